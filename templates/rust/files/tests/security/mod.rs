//! What an attacker would try: tokens, scopes, hostile inputs, and what they may learn from answers and logs.

mod inputs;
mod tokens;
