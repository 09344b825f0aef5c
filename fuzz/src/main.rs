//! Invents inputs for the target that `CONFAB_FUZZ_TARGET` names. `cargo xtask fuzz` runs it.

#![no_main]

use std::{env, sync::LazyLock};

use fuzz::Target;
use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = env::var_os("CONFAB_FUZZ_TARGET").unwrap_or_default();
    let name = name.to_str().expect("the name of a target");
    Target::named(name).expect("the name of a target")
});

fuzz_target!(|input: &[u8]| (TARGET.check)(input));
