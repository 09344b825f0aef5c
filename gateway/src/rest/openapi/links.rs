//! Links: which parts of an answer are parameters of other calls.

use std::collections::BTreeMap;

use utoipa::{
    Modify,
    openapi::{
        self, RefOr, Response,
        link::Link,
        path::{Operation, Parameter},
    },
};

use super::shared::operations;

/// The answers of one call, the calls that can follow, and the values of their parameters.
struct Following {
    call: &'static str,
    next: &'static [&'static str],
    parameters: &'static [(&'static str, &'static str)],
}

const LINKS: &[Following] = &[
    Following {
        call: "register",
        next: &["user", "block", "unblock"],
        parameters: &[("id", "$response.body#/user/id"), ("user", "$response.body#/user/id")],
    },
    Following {
        call: "register",
        next: &["log_out"],
        parameters: &[("id", "$response.body#/session/id")],
    },
    Following {
        call: "log_in",
        next: &["log_out"],
        parameters: &[("id", "$response.body#/session/id")],
    },
    Following {
        call: "create_conversation",
        next: &[
            "conversation",
            "update_conversation",
            "accept_conversation",
            "decline_conversation",
            "members",
            "create_invite",
            "invites",
            "send",
            "history",
            "receipt",
        ],
        parameters: &[("id", "$response.body#/id")],
    },
    Following {
        call: "upload",
        next: &[
            "continue_upload",
            "attachment_info",
            "download",
            "thumbnail",
            "link_attachment",
            "discard_upload",
        ],
        parameters: &[("id", "$response.body#/id")],
    },
    Following {
        call: "create_invite",
        next: &["invite", "accept_invite", "end_invite"],
        parameters: &[("code", "$response.body#/code")],
    },
    Following {
        call: "send",
        next: &["edit", "redact", "react"],
        parameters: &[
            ("id", "$response.body#/message/conversation"),
            ("seq", "$response.body#/message/seq"),
        ],
    },
    Following {
        call: "react",
        next: &["unreact"],
        parameters: &[
            ("id", "$response.body#/message/conversation"),
            ("seq", "$response.body#/message/target_seq"),
            ("emoji", "$response.body#/message/emoji"),
        ],
    },
    Following {
        call: "set_member",
        next: &["remove_member"],
        parameters: &[("id", "$request.path.id"), ("user", "$response.body#/user")],
    },
];

/// Adds the links to the answers of calls that succeed.
pub(super) struct Links;

impl Modify for Links {
    fn modify(&self, api: &mut openapi::OpenApi) {
        let parameters = parameters(api);
        for operation in operations(api) {
            let links = links_of(operation, &parameters);
            for response in successes(operation) {
                response.links.extend(links.clone());
            }
        }
    }
}

/// Returns the answers that a call has when it succeeds.
fn successes(operation: &mut Operation) -> impl Iterator<Item = &mut Response> {
    let responses = operation.responses.responses.iter_mut();
    responses.filter(|(status, _)| status.starts_with('2')).filter_map(|(_, response)| {
        match response {
            RefOr::T(response) => Some(response),
            RefOr::Ref(_) => None,
        }
    })
}

fn links_of(
    operation: &Operation,
    parameters: &BTreeMap<String, Vec<String>>,
) -> Vec<(String, RefOr<Link>)> {
    let call = operation.operation_id.as_deref().unwrap_or_default();
    let following = LINKS.iter().filter(|following| following.call == call);
    following.flat_map(|following| links(following, parameters)).collect()
}

/// Returns the names of the parameters of each call.
fn parameters(api: &mut openapi::OpenApi) -> BTreeMap<String, Vec<String>> {
    let calls = operations(api).filter_map(|operation| {
        let name = |parameter: &RefOr<Parameter>| match parameter {
            RefOr::T(parameter) => Some(parameter.name.clone()),
            RefOr::Ref(_) => None,
        };
        let names = operation.parameters.iter().flatten().filter_map(name);
        Some((operation.operation_id.clone()?, names.collect()))
    });
    calls.collect()
}

/// Returns the links to the next calls, each with the parameters that the call has.
fn links(
    following: &Following,
    known: &BTreeMap<String, Vec<String>>,
) -> Vec<(String, RefOr<Link>)> {
    let link = |next: &&str| {
        let has =
            |name: &str| known.get(*next).is_some_and(|names| names.iter().any(|it| it == name));
        let mut link = Link::builder().operation_id(*next);
        for (name, value) in following.parameters.iter().filter(|(name, _)| has(name)) {
            link = link.parameter(*name, *value);
        }
        ((*next).to_owned(), link.build().into())
    };
    following.next.iter().map(link).collect()
}
