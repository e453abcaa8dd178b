//! The one test binary.

mod contract_property;
