//! Writes events of `tracing` to stderr, one line each: as JSON or for people.
//!
//! An event's message is its name. Its fields are written in their order, null for one without a value. What libraries
//! say may hold what a caller sent: only that there was a warning or an error is told, and where.

use std::error::Error;
use std::fmt::Debug;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use chrono::{SecondsFormat, Utc};
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use crate::chassis::json;

/// This program's own events have its name or this one as target.
pub(super) const AUDIT: &str = "audit";
const OWN: &str = env!("CARGO_CRATE_NAME");
const LEVELS: [(Level, &str); 5] = [
    (Level::TRACE, "DEBUG"),
    (Level::DEBUG, "DEBUG"),
    (Level::INFO, "INFO"),
    (Level::WARN, "WARNING"),
    (Level::ERROR, "ERROR"),
];
/// The text of a failure, told only while debugging.
const EXCEPTION: &str = "exception";
const CORRELATION_ID: &str = "correlation_id";

/// What writes the lines.
pub struct Lines {
    least: LevelFilter,
    as_json: bool,
    debug: bool,
    out: Mutex<Box<dyn Write + Send>>,
}

impl Lines {
    /// Writes lines of the level and above; debug adds the texts of failures.
    pub fn new(out: impl Write + Send + 'static, level: &str, format: &str, debug: bool) -> Self {
        let least = LEVELS.iter().rev().find(|(_, name)| *name == level);
        let least = least.map_or(LevelFilter::INFO, |(level, _)| LevelFilter::from_level(*level));
        Self { least, as_json: format == "json", debug, out: Mutex::new(Box::new(out)) }
    }

    /// Writes what the whole process says from now on.
    pub fn install(self) {
        let _ = tracing::subscriber::set_global_default(self.subscriber()); // the first one stays
    }

    fn subscriber(self) -> impl Subscriber + Send + Sync {
        Registry::default().with(self)
    }

    fn write(&self, line: &Map<String, Value>) {
        let mut text = if self.as_json { json::write(line) } else { for_people(line) };
        text.push('\n');
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = out.write_all(text.as_bytes()); // nobody is left to be told
    }
}

/// What lines within a span are told of.
struct CorrelationId(String);

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        let least = if is_own(metadata) { self.least } else { self.least.min(LevelFilter::WARN) };
        *metadata.level() <= least && (metadata.is_event() || is_own(metadata))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.least)
    }

    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        if let (Some(span), Some(Value::String(id))) = (context.span(id), fields.0.remove(CORRELATION_ID)) {
            span.extensions_mut().insert(CorrelationId(id));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        fields.0.extend(event.fields().map(|field| (field.name().to_owned(), Value::Null)));
        event.record(&mut fields);
        let mut fields = fields.0;
        let said = fields.shift_remove("message");
        let mut spans = context.event_scope(event).into_iter().flatten();
        let id = spans.find_map(|span| span.extensions().get().map(|CorrelationId(id)| id.clone()));
        let level = LEVELS.iter().find(|(level, _)| level == metadata.level()).map(|(_, name)| *name);

        let mut line = Map::new();
        line.insert("timestamp".to_owned(), Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into());
        line.insert("level".to_owned(), level.into());
        if is_own(metadata) {
            line.insert("event".to_owned(), said.into());
        } else {
            fields = Map::from_iter([("place".to_owned(), place(metadata).into())]);
            fields.extend(said.map(|text| (EXCEPTION.to_owned(), text)));
            line.insert("event".to_owned(), "library.event".into());
        }
        line.insert("logger".to_owned(), metadata.target().into());
        line.insert(CORRELATION_ID.to_owned(), id.into());
        line.extend(fields.into_iter().filter(|(name, _)| self.debug || name != EXCEPTION));
        self.write(&line);
    }
}

fn is_own(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    target == AUDIT || target.strip_prefix(OWN).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

fn place(metadata: &Metadata<'_>) -> String {
    format!("{}:{}", metadata.file().unwrap_or_default(), metadata.line().unwrap_or_default())
}

/// Reads values as JSON. A list, which `tracing` knows only by what it looks like, is one in JSON as well.
#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        let list = text.starts_with('[').then(|| serde_json::from_str(&text).ok()).flatten();
        self.set(field, list.unwrap_or(Value::String(text)));
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.set(field, value.to_string());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.set(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.set(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.set(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.set(field, value);
    }
}

fn for_people(line: &Map<String, Value>) -> String {
    let shown = line.iter().filter(|(_, value)| !value.is_null());
    let pairs: Vec<_> = shown.map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use tracing::subscriber::DefaultGuard;

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
        /// Keeps what this thread says, until the guard is dropped.
        pub fn lines(format: &str, debug: bool) -> (Self, DefaultGuard) {
            let kept = Self::default();
            let lines = Lines::new(kept.clone(), "INFO", format, debug);
            (kept, tracing::subscriber::set_default(lines.subscriber()))
        }

        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    #[test]
    fn lines() {
        let (kept, _guard) = Kept::lines("json", false);
        let call = tracing::error_span!("call", correlation_id = "id");
        call.in_scope(|| {
            tracing::debug!("unseen");
            let nothing: Option<f64> = None;
            tracing::error!(a = "b\nc", list = ?["x", "y"], nothing, exception = "secret", count = 7, "seen.{}", 1);
        });
        let line: Value = serde_json::from_str(&kept.text()).unwrap();
        let names: Vec<_> = line.as_object().unwrap().keys().collect();
        let wanted =
            ["timestamp", "level", "event", "logger", "correlation_id", "a", "list", "nothing", "count"];
        assert_eq!(names, wanted);
        for (name, value) in [
            ("level", json!("ERROR")),
            ("event", json!("seen.1")),
            ("logger", json!(module_path!())),
            ("correlation_id", json!("id")),
            ("list", json!(["x", "y"])),
            ("nothing", Value::Null),
            ("count", json!(7)),
        ] {
            assert_eq!(line[name], value, "{name}");
        }
    }

    #[test]
    fn for_people_who_debug() {
        let (kept, _guard) = Kept::lines("console", true);
        tracing::warn!(exception = "cause", nothing = None::<&str>, "e");
        assert!(
            kept.text().contains("level=\"WARNING\" event=\"e\"") && kept.text().ends_with("\"cause\"\n")
        );
    }

    #[test]
    fn libraries_are_not_quoted() {
        let (kept, _guard) = Kept::lines("json", false);
        tracing::info!(target: "rmcp::service", "canary");
        tracing::error_span!(target: "rmcp", "serve", correlation_id = "canary").in_scope(|| {
            tracing::warn!(target: "rmcp::service", argument = "canary", "canary");
        });
        let line: Value = serde_json::from_str(&kept.text()).unwrap();
        assert_eq!((&line["event"], &line["logger"]), (&json!("library.event"), &json!("rmcp::service")));
        assert!(line["place"].as_str().unwrap().contains("logs.rs:"));
        assert!(!kept.text().contains("canary"));
    }
}
