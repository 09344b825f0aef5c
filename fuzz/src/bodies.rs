//! Bodies of REST calls: a body is the same after its JSON was written again.
//!
//! The last byte of an input chooses the type of the body.

use std::fmt::Debug;

use chat_core::{id::ConversationId, model::Seq};
use gateway::protocol::{
    conversations::{CreateConversation, SetMember, UpdateConversation},
    invites::{AcceptInvite, CreateInvite},
    messages::{Edit, Receipts, Send},
    poll::Poll,
    read::from_json,
    sessions::{LogIn, Refresh},
    users::{ChangePassword, Profile, Register},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) const CONVERSATION: ConversationId = ConversationId::new(7).expect("valid id");

pub(crate) fn check(input: &[u8]) {
    let Some((body, json)) = input.split_last() else { return };
    match body % 14 {
        0 => read::<CreateConversation>(json, |body| {
            format!("{:?}", body.into_command(|| Ok("key".into())))
        }),
        1 => read::<UpdateConversation>(json, debug),
        2 => read::<SetMember>(json, debug),
        3 => read::<Send>(json, |body| debug(body.into_command(CONVERSATION))),
        4 => read::<Edit>(json, |body| debug(body.into_command(CONVERSATION, Seq::new(7)))),
        5 => read::<Receipts>(json, |body| debug(body.into_command(CONVERSATION))),
        6 => read::<Poll>(json, |body| {
            let mut cursors: Vec<_> = body.resume.iter().flat_map(|resume| &resume.0).collect();
            cursors.sort_unstable();
            format!("{cursors:?} {:?}", body.wait_ms())
        }),
        7 => read::<LogIn>(json, debug),
        8 => read::<Refresh>(json, debug),
        9 => read::<Register>(json, debug),
        10 => read::<Profile>(json, debug),
        11 => read::<ChangePassword>(json, debug),
        12 => read::<CreateInvite>(json, debug),
        _ => read::<AcceptInvite>(json, debug),
    }
}

fn debug(value: impl Debug) -> String {
    format!("{value:?}")
}

fn read<T: DeserializeOwned>(json: &[u8], meaning: impl Fn(T) -> String) {
    let Ok(body) = from_json::<T>(json) else { return };
    let rewritten: Value = serde_json::from_slice(json).expect("a body is JSON");
    let again = from_json::<T>(rewritten.to_string().as_bytes()).map(&meaning);
    assert_eq!(again, Ok(meaning(body)));
}
