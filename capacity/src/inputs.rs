//! The inputs: the size of the deployment, and assumptions about people and machines.
//!
//! None of these numbers is measured. Each has a default, a range, and an option that sets it.

use serde::Serialize;

use crate::term::Term;

/// An input of the model.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Input {
    /// The name of its option, without dashes in front.
    pub name: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Its value unless it is set.
    pub default: f64,
    /// The smallest value.
    #[serde(skip)]
    pub min: f64,
    /// The largest value.
    #[serde(skip)]
    pub max: f64,
}

/// A value that an input cannot have.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InputError {
    /// The name is not that of an input.
    #[error("{0} is not an input of the model")]
    Unknown(String),
    /// The value is out of range.
    #[error("{name} must be from {min} to {max}, not {value}")]
    Range {
        /// The input.
        name: &'static str,
        /// The smallest value.
        min: f64,
        /// The largest value.
        max: f64,
        /// The value that was given.
        value: f64,
    },
}

macro_rules! inputs {
    ($($field:ident $name:literal $default:literal $min:literal $max:literal $about:literal;)+) => {
        /// All inputs.
        pub const INPUTS: &[Input] = &[$(Input {
            name: $name, about: $about, default: $default, min: $min, max: $max,
        }),+];

        /// The value of each input.
        #[derive(Debug, Clone, PartialEq)]
        pub struct Inputs {
            $(#[doc = $about] pub $field: f64,)+
        }

        impl Default for Inputs {
            fn default() -> Self {
                Self { $($field: $default),+ }
            }
        }

        impl Inputs {
            /// Sets an input. Fails if it is unknown or the value is out of range.
            pub fn set(&mut self, name: &str, value: f64) -> Result<(), InputError> {
                let field = match name {
                    $($name => &mut self.$field,)+
                    _ => return Err(InputError::Unknown(name.to_owned())),
                };
                check(name, value)?;
                *field = value;
                Ok(())
            }

            /// Returns each input with its value.
            pub fn rows(&self) -> Vec<(&'static Input, f64)> {
                INPUTS.iter().zip([$(self.$field),+]).collect()
            }

            pub(crate) fn terms(&self) -> Terms {
                Terms { $($field: Term::named($name, self.$field)),+ }
            }
        }

        /// Each input as a term.
        #[derive(Debug)]
        pub(crate) struct Terms {
            $(pub(crate) $field: Term,)+
        }
    };
}

inputs! {
    daily_users "daily-users" 250_000_000.0 1.0 10_000_000_000.0
        "people who use it on a day";
    messages_per_user "messages-per-user" 40.0 0.0 10_000.0
        "texts that a daily user sends a day";
    years "years" 10.0 0.0 100.0
        "years for which every text is kept";
    peak_factor "peak-factor" 2.5 1.0 100.0
        "the busiest second, as a multiple of the day's average";
    connected_share "connected-share" 0.25 0.0 1.0
        "share of the daily users who are connected at the peak";
    connections_per_user "connections-per-user" 1.3 1.0 64.0
        "connections of a connected user";
    session_minutes "session-minutes" 15.0 0.1 10_000.0
        "minutes until a connection is opened again";
    conversations_per_user "conversations-per-user" 30.0 1.0 10_000.0
        "conversations of a user";
    group_conversations "group-conversations" 0.3 0.0 1.0
        "share of a user's conversations that are groups";
    group_messages "group-messages" 0.4 0.0 1.0
        "share of the texts that are sent to groups";
    group_size "group-size" 20.0 2.0 100_000.0
        "members of a group";
    text_bytes "text-bytes" 120.0 0.0 16_384.0
        "bytes of a text";
    client_id_bytes "client-id-bytes" 32.0 1.0 64.0
        "bytes of a client id; the SDK's has 32";
    receipts_per_reader "receipts-per-reader" 1.0 0.0 2.0
        "receipts that a connected reader sends for a text; the SDK sends at most one a second and conversation";
    typing_per_message "typing-per-message" 2.0 0.0 100.0
        "typing signals that precede a text";
    wire_overhead_bytes "wire-overhead-bytes" 80.0 0.0 1_500.0
        "bytes of TLS, TCP and IP around a frame";
    compared_share "compared-share" 1.0 0.0 1.0
        "share of the live conversations whose heads a round compares with the store; the product compares all";
    replicas "replicas" 3.0 1.0 9.0
        "copies that the store keeps";
    replica_cost "replica-cost" 1.0 0.1 10.0
        "what a copy costs, compared with the only copy that was measured";
    utilisation "utilisation" 0.5 0.05 1.0
        "share of the processors that the peak may use";
    gateway_cores "gateway-cores" 16.0 1.0 1_024.0
        "cores of a gateway's machine";
    gateway_gib "gateway-gib" 64.0 1.0 16_384.0
        "memory of a gateway's machine, in GiB; half of it is for connections";
    redis_gib "redis-gib" 16.0 1.0 4_096.0
        "memory of a Redis primary's machine, in GiB; half of it is for subscriptions";
    store_cores "store-cores" 16.0 1.0 1_024.0
        "cores of a store node";
    store_tib "store-tib" 8.0 0.01 1_000.0
        "disk of a store node, in TiB";
    compaction_headroom "compaction-headroom" 1.5 1.0 4.0
        "disk for compaction, as a multiple of the data";
    compression "compression" 1.0 0.1 1.0
        "bytes on the disk, as a share of what was measured with texts that do not compress";
    gateway_price "gateway-price" 400.0 0.0 1_000_000.0
        "price of a gateway's machine a month";
    redis_price "redis-price" 100.0 0.0 1_000_000.0
        "price of a Redis primary's machine a month";
    store_price "store-price" 500.0 0.0 1_000_000.0
        "price of a store node a month, without disk";
    disk_price "disk-price" 80.0 0.0 1_000_000.0
        "price of a TiB of disk a month";
    traffic_price "traffic-price" 20.0 0.0 1_000_000.0
        "price of a TB sent to clients";
}

fn check(name: &str, value: f64) -> Result<(), InputError> {
    let input = INPUTS.iter().find(|input| input.name == name);
    let Some(Input { name, min, max, .. }) = input.copied() else { return Ok(()) };
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(InputError::Range { name, min, max, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_in_its_range() {
        let mut inputs = Inputs::default();
        for input in INPUTS {
            inputs.set(input.name, input.default).unwrap();
        }
        assert_eq!(inputs, Inputs::default());
    }

    #[test]
    fn value_out_of_range_is_refused_by_name() {
        let mut inputs = Inputs::default();
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = inputs.set("daily-users", value).unwrap_err();
            assert!(error.to_string().starts_with("daily-users must be from 1 to"), "{error}");
        }
        let unknown = InputError::Unknown("daily-cats".to_owned());
        assert_eq!(inputs.set("daily-cats", 1.0), Err(unknown));
        assert_eq!(inputs, Inputs::default());
    }
}
