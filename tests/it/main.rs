//! The one test binary.

mod contract_corpus;
mod contract_property;
