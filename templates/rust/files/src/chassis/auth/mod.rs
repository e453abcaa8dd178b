//! Checks bearer tokens: JWTs of one issuer for one audience, signed with its published keys.

mod keys;

use std::collections::BTreeSet;

use jsonwebtoken::{Algorithm, Validation, decode, decode_header};
use serde::Deserialize;
use serde_json::Value;

use crate::chassis::fault::{Fault, UNAUTHENTICATED};

pub use self::keys::{Keys, Source};

const LEEWAY_SECONDS: u64 = 30;
const ALGORITHMS: [(Algorithm, &str); 3] =
    [(Algorithm::RS256, "RS256"), (Algorithm::ES256, "ES256"), (Algorithm::EdDSA, "EdDSA")];

/// Knows whose tokens count.
pub struct Verifier {
    issuer: String,
    audience: String,
    keys: Keys,
}

/// Who a token speaks for, and what it may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub subject: String,
    pub scopes: Vec<String>,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    iat: Option<f64>,
    #[serde(default)]
    scope: Value,
    #[serde(default)]
    scp: Value,
    #[serde(default)]
    permissions: Value,
}

impl Verifier {
    /// Accepts tokens of the issuer for the audience.
    #[must_use]
    pub const fn new(issuer: String, audience: String, keys: Keys) -> Self {
        Self { issuer, audience, keys }
    }

    /// Whether the keys could be loaded when they were last needed.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.keys.is_healthy()
    }

    /// Reads an Authorization header.
    ///
    /// # Errors
    /// `unauthenticated`, or `dependency_unavailable` when no key can be had.
    pub async fn verify(&self, authorization: &str) -> Result<Identity, Fault> {
        let refused = |cause: &str| Fault::from(UNAUTHENTICATED).because(cause);
        let (scheme, token) = authorization.split_once(' ').ok_or_else(|| refused("no token"))?;
        let token = token.trim_start_matches(' ');
        if !scheme.eq_ignore_ascii_case("bearer") || token.is_empty() || token.contains(char::is_whitespace) {
            return Err(refused("no bearer token"));
        }
        let header = decode_header(token).map_err(|error| refused(&error.to_string()))?;
        let algorithm = ALGORITHMS.iter().find(|(known, _)| *known == header.alg);
        let (algorithm, name) = algorithm.ok_or_else(|| refused("another algorithm"))?;
        let mut validation = Validation::new(*algorithm);
        validation.leeway = LEEWAY_SECONDS;
        validation.validate_nbf = true;
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        let mut cause = "an unknown key".to_owned();
        for key in self.keys.matching(header.kid.as_deref(), name).await? {
            match decode::<Claims>(token, &key, &validation) {
                Ok(read) => return identity(&read.claims).ok_or_else(|| refused("its claims")),
                Err(error) => cause = error.to_string(),
            }
        }
        Err(refused(&cause))
    }
}

#[allow(clippy::cast_precision_loss, reason = "seconds since 1970 are small")]
fn identity(claims: &Claims) -> Option<Identity> {
    let latest = (jsonwebtoken::get_current_timestamp() + LEEWAY_SECONDS) as f64;
    let is_early = claims.iat.is_some_and(|issued| issued > latest);
    let mut scopes = BTreeSet::new();
    for claim in [&claims.scope, &claims.scp, &claims.permissions] {
        match claim {
            Value::String(text) => scopes.extend(text.split_whitespace()),
            Value::Array(items) => {
                scopes.extend(items.iter().filter_map(Value::as_str).filter(|scope| !scope.is_empty()));
            }
            _ => {}
        }
    }
    let scopes = scopes.into_iter().map(str::to_owned).collect();
    (!claims.sub.is_empty() && !is_early).then(|| Identity { subject: claims.sub.clone(), scopes })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scopes_come_in_three_spellings() {
        let claims = |claims: Value| identity(&serde_json::from_value(claims).unwrap());
        let found = claims(json!({ "sub": "a", "scope": "x\u{a0}y", "scp": ["y", 1], "permissions": ["z"] }))
            .unwrap();
        assert_eq!(found.scopes, ["x", "y", "z"]);
        assert_eq!(claims(json!({ "sub": "" })), None);
        assert_eq!(claims(json!({ "sub": "a", "iat": 99_999_999_999_u64 })), None);
    }
}
