//! One line an event, as JSON or for people.

use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value, json};

use crate::chassis::caller::Caller;
use crate::chassis::fault::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
}

impl Level {
    const NAMES: [(&'static str, Self); 4] =
        [("DEBUG", Self::Debug), ("INFO", Self::Info), ("WARNING", Self::Warning), ("ERROR", Self::Error)];

    fn name(self) -> &'static str {
        Self::NAMES[self as usize].0
    }
}

/// The log of one part of the server.
#[derive(Clone)]
pub struct Log {
    shared: Arc<Shared>,
    part: &'static str,
}

struct Shared {
    least: Level,
    as_json: bool,
    debug: bool,
    out: Mutex<Box<dyn Write + Send>>,
}

impl Log {
    /// Writes lines of the level and above; debug adds the texts of failures.
    pub fn new(out: impl Write + Send + 'static, level: &str, format: &str, debug: bool) -> Self {
        let least =
            Level::NAMES.iter().find(|(name, _)| *name == level).map_or(Level::Info, |(_, level)| *level);
        let shared = Shared { least, as_json: format == "json", debug, out: Mutex::new(Box::new(out)) };
        Self { shared: Arc::new(shared), part: "server" }
    }

    /// The log of another part.
    #[must_use]
    pub fn named(&self, part: &'static str) -> Self {
        Self { shared: Arc::clone(&self.shared), part }
    }

    /// Writes an event outside of any call; fields are an object.
    pub fn tell(&self, level: Level, event: &str, fields: Value) {
        self.write(level, event, None, fields);
    }

    /// Writes an event of a call.
    pub fn tell_of(&self, caller: &Caller, level: Level, event: &str, fields: Value) {
        self.write(level, event, Some(&caller.correlation_id), fields);
    }

    /// Writes a failure, its text only while debugging.
    pub fn failure(
        &self,
        correlation_id: Option<&str>,
        level: Level,
        event: &str,
        fault: &Fault,
        mut fields: Value,
    ) {
        fields["error_code"] = fault.code().name.into();
        if self.shared.debug {
            fields["exception"] = fault.cause().unwrap_or_else(|| fault.message()).into();
        }
        self.write(level, event, correlation_id, fields);
    }

    fn write(&self, level: Level, event: &str, correlation_id: Option<&str>, fields: Value) {
        if level < self.shared.least {
            return;
        }
        let now = Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true);
        let mut line = Map::new();
        line.insert("timestamp".into(), now.into());
        line.insert("level".into(), level.name().into());
        line.insert("event".into(), event.into());
        line.insert("logger".into(), self.part.into());
        line.insert("correlation_id".into(), json!(correlation_id));
        if let Value::Object(fields) = fields {
            line.extend(fields);
        }
        let mut text = if self.shared.as_json { Value::Object(line).to_string() } else { for_people(&line) };
        text.push('\n');
        let mut out = self.shared.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(text.as_bytes()); // nobody is left to be told
    }
}

fn for_people(line: &Map<String, Value>) -> String {
    let shown = line.iter().filter(|(_, value)| !value.is_null());
    let pairs: Vec<_> = shown.map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Keeps what is written.
    #[derive(Clone, Default)]
    pub struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Kept {
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn lines() {
        let kept = Kept::default();
        let log = Log::new(kept.clone(), "INFO", "json", false).named("x");
        log.tell(Level::Debug, "unseen", json!({}));
        log.failure(Some("id"), Level::Error, "seen", &Fault::internal("secret"), json!({ "a": "b\nc" }));
        let line: Value = serde_json::from_str(&kept.text()).unwrap();
        assert_eq!(
            (&line["logger"], &line["level"], &line["correlation_id"]),
            (&json!("x"), &json!("ERROR"), &json!("id"))
        );
        assert_eq!(kept.text().lines().count(), 1);
        assert!(!kept.text().contains("secret"));
        Log::new(kept.clone(), "INFO", "console", true).failure(
            None,
            Level::Error,
            "e",
            &Fault::internal("cause"),
            json!({}),
        );
        assert!(kept.text().contains("event=\"e\"") && kept.text().contains("cause"));
    }
}
