//! Surrounds calls to other servers: a bulkhead for each service, retries around a breaker around the timeout of a
//! try, and a client that is bounded in all it does.

mod breaker;
mod client;
mod guard;
mod health;

pub use self::client::{Answer, Service, Services, http_client, read_all};
pub use self::guard::{Guard, Limits, Trial};
pub use self::health::Health;
