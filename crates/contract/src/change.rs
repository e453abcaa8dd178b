//! A change between two contracts, and all changes of a comparison.

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::rules::{Rule, Verdict};

/// One change.
#[derive(Clone, Debug, Serialize)]
pub struct Change {
    /// Which rule speaks.
    #[serde(serialize_with = "rule")]
    pub rule: &'static Rule,
    /// How grave it is.
    pub verdict: Verdict,
    /// The contract, like `tools/NAME`.
    pub contract: String,
    /// The JSON pointer into the contract.
    pub pointer: String,
    /// The value before; none when there was none.
    pub old: Option<Value>,
    /// The value after; none when there is none.
    pub new: Option<Value>,
    /// The property, scope or whatever else it is about.
    #[serde(skip)]
    pub name: Option<String>,
    /// What happened.
    pub message: String,
    /// What else is known of it.
    #[serde(skip)]
    pub hint: Option<String>,
    /// What to do.
    pub remedy: &'static str,
    /// An input that was accepted and is refused now, or an output that the old contract refuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub witness: Option<Value>,
    /// Somebody has looked at it and let it pass.
    pub acknowledged: bool,
}

fn rule<S: Serializer>(rule: &&'static Rule, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(rule.id)
}

impl Change {
    /// A change of a contract, at a pointer into it.
    pub fn new(rule: &'static Rule, contract: &str, pointer: &str) -> Self {
        Self {
            rule,
            verdict: rule.verdict,
            contract: contract.to_owned(),
            pointer: pointer.to_owned(),
            old: None,
            new: None,
            name: None,
            message: rule.meaning.replace("{}", ""),
            hint: None,
            remedy: rule.remedy,
            witness: None,
            acknowledged: false,
        }
    }

    /// With the values before and after.
    #[must_use]
    pub fn between(mut self, old: Option<&Value>, new: Option<&Value>) -> Self {
        self.old = old.cloned();
        self.new = new.cloned();
        self
    }

    /// With the name of what it is about.
    #[must_use]
    pub fn about(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self.message = self.sentence();
        self
    }

    /// With what else is known.
    #[must_use]
    pub fn noting(mut self, hint: String) -> Self {
        self.message = format!("{} {hint}", self.sentence());
        self.hint = Some(hint);
        self
    }

    /// What its rule says of what it is about.
    pub fn sentence(&self) -> String {
        let name = self.name.as_ref().map(|name| format!(" \"{name}\"")).unwrap_or_default();
        self.rule.meaning.replace("{}", &name)
    }

    /// Whether an acknowledgement names it: by rule, pointer, or contract and pointer.
    #[must_use]
    pub fn is_named(&self, by: &str) -> bool {
        by == self.rule.id || by == self.pointer || by == format!("{}#{}", self.contract, self.pointer)
    }
}

/// The changes of a comparison, and the gravest verdict among them.
#[derive(Clone, Debug, Serialize)]
pub struct Comparison {
    /// The gravest verdict; an acknowledged unknown counts as additive.
    pub verdict: Verdict,
    /// Every change, in the order of contracts and pointers.
    pub changes: Vec<Change>,
}

impl Comparison {
    /// The comparison with these changes.
    #[must_use]
    pub fn of(mut changes: Vec<Change>) -> Self {
        changes
            .sort_by(|a, b| (&a.contract, &a.pointer, a.rule.id).cmp(&(&b.contract, &b.pointer, b.rule.id)));
        Self { verdict: gravest(&changes), changes }
    }

    /// The same with some unknown changes let pass; returns the names that fit none.
    pub fn acknowledge<'n>(&mut self, names: &'n [String]) -> Vec<&'n str> {
        for change in &mut self.changes {
            change.acknowledged =
                change.verdict == Verdict::Unknown && names.iter().any(|name| change.is_named(name));
        }
        self.verdict = gravest(&self.changes);
        let fits = |name: &&String| self.changes.iter().any(|change| change.is_named(name));
        names.iter().filter(|name| !fits(name)).map(String::as_str).collect()
    }
}

const fn weight(change: &Change) -> Verdict {
    if change.acknowledged { Verdict::Additive } else { change.verdict }
}

fn gravest(changes: &[Change]) -> Verdict {
    changes.iter().map(weight).max().unwrap_or(Verdict::None)
}
