//! What a command found, for machines and reviews.

pub mod contract;
