//! Values of accounts, logins and kept replies.

use std::sync::Arc;

use bytes::BufMut;
use chat_core::{
    codec::{self, Malformed, Reader},
    error::StoreError,
    id::{LoginId, UserId},
    model::{IdempotencyRecord, Login, LoginSecret, User, Username},
};
use fjall::UserValue;

use super::{read, written};

/// A user and its password hash.
pub(in super::super) struct Account {
    pub(in super::super) user: User,
    pub(in super::super) password_hash: Arc<str>,
}

/// An account; its key says whose.
pub(in super::super) fn account(account: &Account) -> UserValue {
    written(256, |out| {
        out.put_i64(account.user.created_at.as_millis());
        codec::put_text(out, account.user.username.as_str());
        codec::put_text(out, &account.user.display_name);
        codec::put_text(out, &account.password_hash);
    })
}

/// The account of this user in these bytes.
pub(in super::super) fn read_account(id: UserId, bytes: &[u8]) -> Result<Account, StoreError> {
    read("account", bytes, |reader| {
        let created_at = reader.timestamp()?;
        let username = Username::new(reader.text()?).map_err(|_| Malformed)?;
        let display_name = reader.text()?.into();
        let user = User { id, username, display_name, created_at };
        Ok(Account { user, password_hash: reader.text()?.into() })
    })
}

/// A login; its key says which.
pub(in super::super) fn login(login: &Login) -> UserValue {
    written(192, |out| {
        out.put_u64(login.user.get());
        codec::put_optional_text(out, login.device.as_deref());
        for at in [login.created_at, login.used_at, login.expires_at] {
            out.put_i64(at.as_millis());
        }
        out.put_slice(&login.current.0);
        out.put_u8(u8::from(login.previous.is_some()));
        if let Some((secret, at)) = &login.previous {
            out.put_slice(&secret.0);
            out.put_i64(at.as_millis());
        }
    })
}

/// The login of these bytes.
pub(in super::super) fn read_login(id: LoginId, bytes: &[u8]) -> Result<Login, StoreError> {
    read("login", bytes, |reader| {
        Ok(Login {
            id,
            user: reader.user()?,
            device: reader.optional_text()?.map(Arc::from),
            created_at: reader.timestamp()?,
            used_at: reader.timestamp()?,
            expires_at: reader.timestamp()?,
            current: LoginSecret(digest(reader)?),
            previous: if reader.flag()? {
                Some((LoginSecret(digest(reader)?), reader.timestamp()?))
            } else {
                None
            },
        })
    })
}

fn digest(reader: &mut Reader<'_>) -> Result<[u8; 32], Malformed> {
    reader.bytes(32)?.try_into().map_err(|_| Malformed)
}

/// What stands under an idempotency key.
pub(in super::super) fn reply(reply: &IdempotencyRecord) -> UserValue {
    written(50, |out| {
        out.put_slice(&reply.digest);
        out.put_u64(reply.conversation.get());
        out.put_i64(reply.claimed_at.as_millis());
        out.put_u8(u8::from(reply.is_settled));
    })
}

/// What stands under an idempotency key, of these bytes.
pub(in super::super) fn read_reply(bytes: &[u8]) -> Result<IdempotencyRecord, StoreError> {
    read("reply", bytes, |reader| {
        Ok(IdempotencyRecord {
            digest: digest(reader)?,
            conversation: reader.conversation()?,
            claimed_at: reader.timestamp()?,
            is_settled: reader.flag()?,
        })
    })
}

#[cfg(test)]
mod tests {
    use chat_core::time::Timestamp;

    use super::*;

    #[test]
    fn people_read_as_they_were_written() {
        let user = User {
            id: UserId::new(7).unwrap(),
            username: Username::new("ann").unwrap(),
            display_name: "Änn".into(),
            created_at: Timestamp::from_millis(5),
        };
        let written = Account { user: user.clone(), password_hash: "hash".into() };
        let read = read_account(user.id, &account(&written)).unwrap();
        assert_eq!((read.user, &*read.password_hash), (user.clone(), "hash"));
        let secret = |byte| LoginSecret([byte; 32]);
        for previous in [None, Some((secret(2), Timestamp::from_millis(8)))] {
            let written = Login {
                id: LoginId::new(3).unwrap(),
                user: user.id,
                device: previous.map(|_| "phone".into()),
                created_at: user.created_at,
                used_at: Timestamp::from_millis(6),
                expires_at: Timestamp::from_millis(7),
                current: secret(1),
                previous,
            };
            assert_eq!(read_login(written.id, &login(&written)).unwrap(), written);
        }
    }
}
