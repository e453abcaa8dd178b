//! Who is calling, and under which correlation id.

use uuid::Uuid;

/// What is known of a call before it runs.
#[derive(Clone, Debug, Default)]
pub struct Caller {
    pub correlation_id: String,
    /// The token's, `local` on stdio, or `anonymous`.
    pub subject: String,
    pub scopes: Vec<String>,
    /// Whose rate limit and whose turn a tool call uses up: the subject, else the client's address.
    pub key: String,
}

impl Caller {
    /// The user of this machine, who may do everything.
    #[must_use]
    pub fn local(scopes: Vec<String>) -> Self {
        Self { correlation_id: correlation_id(None), subject: "local".into(), scopes, key: "local".into() }
    }

    /// Of whom nothing is known yet.
    #[must_use]
    pub fn anonymous(correlation_id: String) -> Self {
        Self { correlation_id, subject: "anonymous".into(), ..Self::default() }
    }

    /// What is said within it is told with the caller's correlation id. No level of the log silences it.
    #[must_use]
    pub fn span(&self) -> tracing::Span {
        tracing::error_span!("call", correlation_id = self.correlation_id)
    }

    /// Whether the caller may do what needs that scope; nothing is needed for the empty one.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        scope.is_empty() || self.scopes.iter().any(|held| held == scope)
    }
}

/// The candidate when it is a well-formed request id, else a new UUID.
#[must_use]
pub fn correlation_id(candidate: Option<&str>) -> String {
    let is_well_formed = |id: &&str| {
        (1..=128).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    };
    candidate.filter(is_well_formed).map_or_else(|| Uuid::new_v4().to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids() {
        assert_eq!(correlation_id(Some("a.B_9-")), "a.B_9-");
        for wrong in [None, Some(""), Some("a b"), Some(&"x".repeat(129) as &str)] {
            assert_eq!(correlation_id(wrong).len(), 36);
        }
    }
}
