//! What is recorded besides the log, before and after an append.

use super::Appender;
use crate::{
    error::StoreError,
    model::Member,
    write::{
        files::{self, FilesAfter},
        plan::Plan,
    },
};

impl Appender {
    /// Records that members who write take part, which command sends a file, and which message is being
    /// redacted. Returns false if the plan is out of date.
    pub(super) async fn prepare(&self, plan: &mut Plan) -> Result<bool, StoreError> {
        self.open_for_writers(plan).await?;
        if !plan.has_files() {
            return Ok(true);
        }
        let are_current = files::take_files(&self.context, plan).await?;
        if are_current {
            files::watch_redacted(&self.context, plan).await?;
        }
        Ok(are_current)
    }

    /// Records that the members whose entries are about to be appended take part.
    async fn open_for_writers(&self, plan: &mut Plan) -> Result<(), StoreError> {
        let newly_open: Vec<Member> = plan.newly_open().collect();
        for member in newly_open {
            self.context.open(self.conversation, &member).await?;
            plan.before.open(member.user);
            plan.after.open(member.user);
        }
        Ok(())
    }

    /// Records, on a task of its own, what the plan's entries mean for files.
    pub(super) fn record_files(&self, plan: &Plan) {
        if !plan.has_files() {
            return;
        }
        let after = FilesAfter::of(plan);
        let context = self.context.clone();
        self.context.tasks.spawn(async move {
            let now = context.ports.wall_clock.now();
            after.record(&*context.stores().uploads, now).await;
        });
    }
}
