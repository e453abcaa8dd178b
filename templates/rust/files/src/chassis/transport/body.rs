//! A request's body: read whole within limits, or passed over.

use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

const READ_TIMEOUT: Duration = Duration::from_secs(30);
const PASS_TIMEOUT: Duration = Duration::from_secs(2);
/// How many bytes of a refused request's body are read nevertheless.
const MOST_PASSED_OVER: usize = 8 << 20;

pub enum Unread {
    TooLarge,
    /// The client left, or sent too slowly.
    Ended,
}

/// All of a body of at most `limit` bytes.
pub async fn read(body: Body, limit: usize) -> Result<Bytes, Unread> {
    let read = tokio::time::timeout(READ_TIMEOUT, Limited::new(body, limit).collect()).await;
    match read.map_err(|_| Unread::Ended)? {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Unread::TooLarge),
        Err(_) => Err(Unread::Ended),
    }
}

/// A client that is still sending hears no answer, and a connection with an unread body ends without a word: what is
/// sent is read for a while, and dropped.
pub async fn pass_over(mut body: Body) {
    let passing = async {
        let mut left = MOST_PASSED_OVER;
        while let Some(Ok(frame)) = body.frame().await {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
            if left == 0 {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(PASS_TIMEOUT, passing).await; // it has had its chance
}
