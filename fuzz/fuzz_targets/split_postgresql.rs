#![no_main]

#[allow(dead_code)]
#[path = "../../tests/seeds/properties.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::split_postgresql(input));
