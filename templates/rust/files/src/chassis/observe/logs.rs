//! Writes events of `tracing` to stderr, one line each: as JSON or for people.
//!
//! An event's message is its name. Its fields are written in their order, null for one without a value. What libraries
//! say may hold what a caller sent: only that there was a warning or an error is told, and where.

use std::error::Error;
use std::fmt::Debug;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

use chrono::{SecondsFormat, Utc};
use serde::{Serialize, Serializer};
use serde_json::Value;
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
/// What `tracing` calls the name of an event.
const MESSAGE: &str = "message";

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

    fn write(&self, line: &Named) {
        let mut text = if self.as_json { json::write(line) } else { line.for_people() };
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
        let mut fields = Named::of(attributes.metadata());
        attributes.record(&mut fields);
        if let (Some(span), Some(Value::String(id))) = (context.span(id), fields.take(CORRELATION_ID)) {
            span.extensions_mut().insert(CorrelationId(id));
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut fields = Named::of(metadata);
        event.record(&mut fields);
        let said = fields.take(MESSAGE);
        let mut spans = context.event_scope(event).into_iter().flatten();
        let id = spans.find_map(|span| span.extensions().get().map(|CorrelationId(id)| id.clone()));
        let level = LEVELS.iter().find(|(level, _)| level == metadata.level()).map(|(_, name)| *name);
        let (event, fields) = if is_own(metadata) {
            (said.into(), fields)
        } else {
            let told = [Some(("place", place(metadata).into())), said.map(|text| (EXCEPTION, text))];
            ("library.event".into(), Named(told.into_iter().flatten().collect()))
        };
        let mut line = Named(Vec::with_capacity(5 + fields.0.len()));
        line.0.extend([
            ("timestamp", Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true).into()),
            ("level", level.into()),
            ("event", event),
            ("logger", metadata.target().into()),
            (CORRELATION_ID, id.into()),
        ]);
        line.0.extend(fields.0.into_iter().filter(|(name, _)| self.debug || *name != EXCEPTION));
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

/// Values as JSON by their names, in order. A list, which `tracing` knows only by what it looks like, is one in JSON as
/// well.
struct Named(Vec<(&'static str, Value)>);

impl Named {
    /// The fields of an event or a span, none of them known yet.
    fn of(metadata: &'static Metadata<'static>) -> Self {
        Self(metadata.fields().iter().map(|field| (field.name(), Value::Null)).collect())
    }

    fn set(&mut self, field: &Field, value: impl Into<Value>) {
        self.0[field.index()].1 = value.into();
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| *known == name)?;
        Some(self.0.remove(at).1)
    }

    fn for_people(&self) -> String {
        let shown = self.0.iter().filter(|(_, value)| !value.is_null());
        let pairs: Vec<_> = shown.map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join(" ")
    }
}

impl Serialize for Named {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

impl Visit for Named {
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

        /// The lines of an event.
        pub fn of(&self, event: &str) -> Vec<Value> {
            let lines = self.text();
            let read = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            read.filter(|line| line["event"] == event).collect()
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
