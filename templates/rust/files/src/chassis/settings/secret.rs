//! A value from the environment, or from a file that may be replaced while the server runs.

use std::fs;
use std::io;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

use super::reader::{LINK_PROBLEM, is_service_link, trim};

type Check = fn(&str) -> Option<&'static str>;
type OnRead = Box<dyn Fn(&str) + Send + Sync>;

/// Only its name may be logged.
pub struct Secret {
    pub name: &'static str,
    path: Option<String>,
    check: Check,
    current: Mutex<(String, Option<Stamp>)>,
    on_read: OnceLock<OnRead>,
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What differs when a file was replaced.
type Stamp = (Option<SystemTime>, u64, u64);

impl Secret {
    pub(super) fn of_value(name: &'static str, value: String, check: Check) -> Result<Self, &'static str> {
        wrong(&value, check).map_or(Ok(()), Err)?;
        Ok(Self { name, path: None, check, current: Mutex::new((value, None)), on_read: OnceLock::new() })
    }

    /// The error is what is expected of the content, or nothing when there is none to read.
    pub(super) fn of_file(
        name: &'static str,
        path: &str,
        check: Check,
    ) -> Result<Self, Option<&'static str>> {
        let value = load(path, check)?;
        let current = Mutex::new((value, None));
        Ok(Self { name, path: Some(path.to_owned()), check, current, on_read: OnceLock::new() })
    }

    /// Sets who is told, by name, whenever the file is read.
    pub fn on_read(&self, tell: impl Fn(&str) + Send + Sync + 'static) {
        let _ = self.on_read.set(Box::new(tell));
    }

    /// The value. A file is read again when it changed; while it cannot be used, its last good value counts.
    #[must_use]
    pub fn read(&self) -> String {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(path) = &self.path else { return current.0.clone() };
        if let Ok(stamp) = stamp(path)
            && current.1 != Some(stamp)
            && let Ok(value) = load(path, self.check)
        {
            *current = (value, Some(stamp));
            if let Some(tell) = self.on_read.get() {
                tell(self.name);
            }
        }
        current.0.clone()
    }
}

fn stamp(path: &str) -> io::Result<Stamp> {
    let metadata = fs::metadata(path)?;
    #[cfg(unix)]
    let identity = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let identity = 0;
    Ok((metadata.modified().ok(), metadata.len(), identity))
}

fn load(path: &str, check: Check) -> Result<String, Option<&'static str>> {
    let content = fs::read(path).map_err(|_| None)?;
    let content = String::from_utf8(content).map_err(|_| Some("expected UTF-8"))?;
    let value = trim(&content).to_owned();
    wrong(&value, check).map_or(Ok(value), |problem| Err(Some(problem)))
}

fn wrong(value: &str, check: Check) -> Option<&'static str> {
    match value {
        "" => Some("expected a value that is not empty"),
        link if is_service_link(link) => Some(LINK_PROBLEM),
        value => check(value),
    }
}

/// The check of secrets that go into a header.
#[must_use]
pub fn visible_ascii(value: &str) -> Option<&'static str> {
    let is_visible = value.bytes().all(|byte| byte.is_ascii_graphic());
    (!is_visible).then_some("expected visible ASCII characters only")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn a_file_is_read_again_when_it_changed() {
        let path = std::env::temp_dir().join(format!("secret-{}", uuid::Uuid::new_v4()));
        let path = path.to_str().unwrap();
        fs::write(path, "\u{feff}one\n").unwrap();
        let secret = Secret::of_file("MCP_X", path, visible_ascii).unwrap();
        let reads = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&reads);
        secret.on_read(move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!((secret.read(), secret.read()), ("one".into(), "one".into()));
        assert_eq!(reads.load(Ordering::Relaxed), 1);
        fs::write(path, "second").unwrap();
        assert_eq!(secret.read(), "second");
        fs::write(path, "not visible").unwrap();
        assert_eq!(secret.read(), "second");
        fs::remove_file(path).unwrap();
        assert_eq!(secret.read(), "second");
        assert!(!format!("{secret:?}").contains("second"));
        assert_eq!(Secret::of_file("MCP_X", path, visible_ascii).err(), Some(None));
        assert_eq!(
            Secret::of_value("MCP_X", "a b".into(), visible_ascii).err(),
            Some("expected visible ASCII characters only")
        );
    }
}
