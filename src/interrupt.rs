//! Ctrl-C, heard once for the whole process.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

static HEARD: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C is noted instead of ending the process; false when the system does not let us.
///
/// A prompt that is interrupted restores the terminal first, which a handler could not.
pub fn listen() -> bool {
    static ONCE: Once = Once::new();
    static LISTENING: AtomicBool = AtomicBool::new(false);
    ONCE.call_once(|| {
        let heard = ctrlc::set_handler(|| HEARD.store(true, Ordering::SeqCst));
        LISTENING.store(heard.is_ok(), Ordering::SeqCst);
    });
    LISTENING.load(Ordering::SeqCst)
}

/// Whether Ctrl-C was typed.
pub fn heard() -> bool {
    HEARD.load(Ordering::SeqCst)
}
