//! What a command found, for machines and reviews.

pub mod contract;
pub mod plan;
