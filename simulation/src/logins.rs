//! What people do with logins: log out, and exchange refresh tokens. Some tokens are stolen.

use std::time::Duration;

use chat_core::{accounts::Grant, error::ChatError, id::LoginId, model::Identity};
use checker::facts::{EndedLogin, Exchange};
use tokio::time::sleep;

use crate::{device::Device, people::Actor, site::Running, world::PASSWORD};

/// The time within which an ended login is refused, with and without hints.
const REFUSED_WITHIN_MS: u64 = 5_000;
const REFUSED_WITHIN_AFTER_OUTAGE_MS: u64 = 15_000;
/// How often a stolen token is presented while the outcome is unknown.
const THEFT_ATTEMPTS_MAX: u32 = 8;

/// The refresh tokens of a login.
#[derive(Debug)]
pub(crate) struct Tokens {
    newest: Grant,
    /// Tokens that were exchanged, oldest first.
    spent: Vec<String>,
}

impl Actor {
    /// Logs a device out, and in again. The old login is tried for a while.
    pub(crate) async fn log_out(&mut self, gateway: &Running) {
        let device = self.person.devices[self.rng.usize(0..self.person.devices.len())].clone();
        let old = device.identity();
        let ended = tokio::select! {
            biased;
            () = gateway.killed.cancelled() => None,
            ended = gateway.registry.log_out(old, old.login) => Some(ended),
        };
        let Ok(login) = self.world.log_in(old.user).await else { return };
        device.set_identity(Identity { user: old.user, login });
        if matches!(ended, Some(Ok(()))) {
            self.expect_refusals(old);
        }
    }

    /// Exchanges a refresh token as a client does, or presents one that was stolen.
    pub(crate) async fn exchange(&mut self, gateway: &Running) {
        let Some(tokens) = self.tokens.take() else {
            self.tokens = self.log_in(gateway).await;
            return;
        };
        if tokens.spent.len() > 1 && self.rng.u8(0..4) == 0 {
            self.steal(tokens).await;
            return;
        }
        let newest = tokens.newest.refresh_token.reveal();
        let login = tokens.newest.login;
        self.tokens = match refresh(gateway, &newest).await {
            Some(Ok(grant)) => {
                self.note_exchange(login, true, true);
                // The answer may be lost on its way. Then the client presents the same token again.
                Some(if self.rng.bool() { tokens } else { self.use_grant(tokens, grant).await })
            }
            Some(Err(ChatError::Unauthenticated(_))) => {
                self.note_exchange(login, true, false);
                None
            }
            Some(Err(_)) | None => Some(tokens),
        };
    }

    async fn log_in(&self, gateway: &Running) -> Option<Tokens> {
        let opened = tokio::select! {
            biased;
            () = gateway.killed.cancelled() => return None,
            opened = gateway.registry.log_in(&self.person.username, PASSWORD, None) => opened,
        };
        let (_, newest) = opened.ok()?;
        Some(Tokens { newest, spent: Vec::new() })
    }

    /// Uses the access token of a grant, with which the client says that it has the grant.
    async fn use_grant(&mut self, tokens: Tokens, grant: Grant) -> Tokens {
        let gateway = self.world.gateway(&mut self.rng).await;
        if let Some(generation) = grant.generation {
            tokio::select! {
                biased;
                () = gateway.killed.cancelled() => {}
                _ = gateway.registry.mark_used(grant.login, generation) => {}
            }
        }
        let Tokens { newest, mut spent } = tokens;
        spent.push(newest.refresh_token.reveal());
        Tokens { newest: grant, spent }
    }

    /// Presents a token that was exchanged long ago, which must end the login for everybody.
    async fn steal(&mut self, tokens: Tokens) {
        let Tokens { newest, spent } = tokens;
        let stolen = &spent[self.rng.usize(0..spent.len() - 1)];
        for _ in 0..THEFT_ATTEMPTS_MAX {
            let gateway = self.world.gateway(&mut self.rng).await;
            match refresh(&gateway, stolen).await {
                Some(Ok(_)) => return self.note_exchange(newest.login, false, true),
                Some(Err(ChatError::Unauthenticated(_))) => {
                    self.expect_refusals(newest.identity());
                    let is_accepted = matches!(
                        refresh(&gateway, &newest.refresh_token.reveal()).await,
                        Some(Ok(_))
                    );
                    return self.note_exchange(newest.login, false, is_accepted);
                }
                Some(Err(_)) | None => {
                    sleep(Duration::from_millis(self.rng.u64(0..500))).await;
                }
            }
        }
    }

    fn note_exchange(&self, login: LoginId, is_valid: bool, is_accepted: bool) {
        let exchange = Exchange { login: login.get(), is_valid, is_accepted };
        self.world.record.change_facts(|facts| facts.exchanges.push(exchange));
    }

    /// Expects that a login which ended now is soon refused everywhere, and tries it for a while.
    fn expect_refusals(&mut self, old: Identity) {
        let plan = self.world.plan();
        // Without hints an ended login is refused only once its access token has expired.
        if plan.bus.drop_permille + plan.bus.delay_permille > 0 {
            return;
        }
        let has_outages = plan.chaos.bus_outage + plan.chaos.one_cut_off > 0;
        let within = if has_outages { REFUSED_WITHIN_AFTER_OUTAGE_MS } else { REFUSED_WITHIN_MS };
        let from_ms = self.world.record.time.ms() + within;
        let ended = EndedLogin { login: old.login.get(), from_ms };
        self.world.record.change_facts(|facts| facts.ended_logins.push(ended));
        let haunt = Device::haunt(self.world.clone(), old, self.rng.fork());
        self.world.around.tasks.spawn(haunt);
    }
}

/// Exchanges a refresh token. Returns `None` if the gateway is killed before it answers.
async fn refresh(gateway: &Running, token: &str) -> Option<Result<Grant, ChatError>> {
    tokio::select! {
        biased;
        () = gateway.killed.cancelled() => None,
        refreshed = gateway.registry.refresh(token) => Some(refreshed),
    }
}
