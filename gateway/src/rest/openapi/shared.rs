//! What all calls share: the access token and the refusals.

use utoipa::{
    Modify,
    openapi::{
        self, ContentBuilder, Header, HeaderBuilder, ObjectBuilder, Ref, RefOr, Response,
        ResponseBuilder, Type,
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
    },
};

/// The name of the security scheme of access tokens.
const BEARER: &str = "access_token";

/// Adds the access token and the refusals to each call.
pub(super) struct SharedParts;

impl Modify for SharedParts {
    fn modify(&self, api: &mut openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme(BEARER, SecurityScheme::Http(scheme));
        for operation in operations(api) {
            operation.security.get_or_insert_with(|| {
                vec![SecurityRequirement::new::<_, [&str; 0], &str>(BEARER, [])]
            });
            let responses = &mut operation.responses.responses;
            for (status, refusal) in refusals() {
                responses.insert(status.to_owned(), RefOr::T(refusal));
            }
        }
    }
}

/// Returns all calls of the document.
pub(super) fn operations(api: &mut openapi::OpenApi) -> impl Iterator<Item = &mut Operation> {
    api.paths.paths.values_mut().flat_map(|path| {
        let slots =
            [&mut path.get, &mut path.post, &mut path.put, &mut path.patch, &mut path.delete];
        slots.into_iter().flatten()
    })
}

/// Returns the refusals that every call has. Those with headers of their own are listed by status.
fn refusals() -> [(&'static str, Response); 4] {
    [
        (
            "401",
            refusal("not authenticated")
                .header("WWW-Authenticate", header("`Bearer`", Type::String))
                .build(),
        ),
        ("429", refusal("over a rate limit").header("Retry-After", seconds()).build()),
        ("503", refusal("not available now").header("Retry-After", seconds()).build()),
        ("default", refusal("an error; `code` has the reason").build()),
    ]
}

fn refusal(description: &str) -> ResponseBuilder {
    let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", problem)
}

fn seconds() -> Header {
    header("the minimum delay before a retry, in seconds", Type::Integer)
}

fn header(description: &str, kind: Type) -> Header {
    let schema = ObjectBuilder::new().schema_type(kind).build();
    HeaderBuilder::new().description(Some(description)).schema(Some(schema)).build()
}
