//! Uploads and messages with files.

use anyhow::{Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::{Value, json};

use crate::client::{Answer, Call, User};

/// The content type of the bytes of an upload.
pub const CONTENT: &str = "application/offset+octet-stream";

/// Returns the call that begins an upload.
pub fn beginning(user: &User, conversation: &str, name: &str) -> Call {
    let (name, conversation) = (STANDARD.encode(name), STANDARD.encode(conversation));
    let metadata = format!("filename {name},conversation {conversation}");
    user.call(Method::POST, "/v1/attachments").header("upload-metadata", &metadata)
}

/// Uploads a whole file with one request, and returns the attachment.
pub async fn upload(user: &User, conversation: &str, name: &str, content: &[u8]) -> Result<Value> {
    let call = beginning(user, conversation, name).header("content-type", CONTENT);
    call.bytes(content.to_vec()).answer().await?.ok(201)
}

/// Begins a resumable upload, and returns its path.
pub async fn begin(user: &User, conversation: &str, size: usize) -> Result<String> {
    let call = beginning(user, conversation, "large.bin").header("tus-resumable", "1.0.0");
    let begun = call.header("upload-length", &size.to_string()).answer().await?;
    ensure!(begun.status == 201 && begun.text.is_empty(), "{begun:?}");
    Ok(begun.header("location").to_owned())
}

/// Sends the next bytes of an upload.
pub async fn resume(user: &User, path: &str, offset: usize, content: &[u8]) -> Result<Answer> {
    let call = user.call(Method::PATCH, path).header("tus-resumable", "1.0.0");
    let call = call.header("upload-offset", &offset.to_string()).header("content-type", CONTENT);
    call.bytes(content.to_vec()).answer().await
}

/// Returns how many bytes of an upload the server has.
pub async fn offset(user: &User, path: &str) -> Result<String> {
    let call = user.call(Method::HEAD, path).header("tus-resumable", "1.0.0");
    let answer = call.answer().await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(answer.header("upload-offset").to_owned())
}

/// Returns the path of a file.
pub fn path_of(attachment: &Value) -> String {
    format!("/v1/attachments/{}", attachment["id"].as_str().unwrap_or_default())
}

/// Sends a message that shows only this file.
pub async fn send_file(
    user: &User,
    to: &str,
    client_id: &str,
    attachment: &Value,
) -> Result<Value> {
    let body = json!({"client_id": client_id, "text": "", "attachments": [attachment["id"]]});
    user.post(&format!("/v1/conversations/{to}/messages"), body).await?.ok(201)
}
