//! A full disk: writes are refused, reads continue, and freeing space is enough to recover. The tests
//! need a small disk of their own, and so the privilege to mount one.
#![expect(clippy::unwrap_used, reason = "a test may end so")]
#![expect(clippy::print_stderr, reason = "a skipped test reports it")]

#[path = "embedded/writer.rs"]
mod writer;

use std::{env, fs, process::Command, time::Duration};

use backends::embedded::{Embedded, EmbeddedConfig, Health};
use chat_core::{
    error::StoreError,
    id::{LoginId, UserId},
    model::{ClientId, Cursor, EndedLogin, Identity, Login, LoginSecret, Seq, TokenExchange},
    port::{Append, Appended, Rotation, Stores},
    time::Timestamp,
};
use tempfile::TempDir;
use writer::Writer;

const MIB: u64 = 1024 * 1024;

/// A disk of 64 MiB in memory.
struct SmallDisk(TempDir);

impl SmallDisk {
    /// Mounts the disk, or returns `None` if this process may not.
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(dir.path())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(dir));
        }
        assert!(env::var_os("CI").is_none(), "this test must not be skipped in CI: run it as root");
        eprintln!("SKIPPED: the full disk was not tested because this process may not mount one");
        None
    }

    fn config(&self, reserve_bytes: u64) -> EmbeddedConfig {
        EmbeddedConfig { reserve_bytes, ..EmbeddedConfig::new(self.0.path().join("store")) }
    }

    /// Writes a file so that at most `left` bytes stay free.
    fn fill(&self, left: u64) {
        let disk = rustix::fs::statvfs(self.0.path()).unwrap();
        let free = disk.f_bavail * disk.f_frsize;
        let ballast = vec![1; usize::try_from(free.saturating_sub(left)).unwrap()];
        // The write may fail at the end, when the disk is full.
        fs::write(self.0.path().join("ballast"), ballast).ok();
    }

    fn free_space(&self) {
        fs::remove_file(self.0.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        Command::new("umount").arg("--lazy").arg(self.0.path()).status().ok();
    }
}

#[tokio::test]
async fn store_refuses_writes_until_the_disk_has_space_again() {
    let Some(disk) = SmallDisk::mount() else { return };
    let embedded = Embedded::open(&disk.config(24 * MIB)).unwrap();
    let mut changes = embedded.health_changes();
    let stores = embedded.stores();
    let mut writer = Writer::new(1);
    for _ in 0..20 {
        writer.send(&stores).await;
    }
    disk.fill(16 * MIB);
    let refused = Err(StoreError::Unavailable("the disk is full".to_owned()));
    assert_eq!(writer.try_send(&stores).await, refused);
    assert_eq!(embedded.health(), Health::DiskFull);
    assert!(changes.has_changed().unwrap());
    let to = Cursor { delivered_seq: Seq::new(99), ..Cursor::default() };
    let advanced = stores.cursors.advance(writer.sender, writer.conversation, to).await;
    assert!(matches!(advanced, Err(StoreError::Unavailable(_))), "{advanced:?}");
    writer.assert_stored(&stores).await;
    let key = ClientId::new("c-3").unwrap();
    let found = stores.log.find(writer.conversation, writer.sender, &key, Seq::ZERO).await;
    assert_eq!(found.unwrap().as_ref(), writer.entries.get(2));
    disk.free_space();
    changes.wait_for(|health| *health == Health::Ok).await.unwrap();
    writer.send(&stores).await;
    drop(stores);
    embedded.close();
    let embedded = Embedded::open(&disk.config(24 * MIB)).unwrap();
    writer.assert_stored(&embedded.stores()).await;
}

/// Opens a login, refreshes it, and ends it.
async fn log_in_and_out(stores: &Stores, id: u64) -> Result<(), StoreError> {
    let (now, later) = (Timestamp::from_millis(1), Timestamp::from_millis(1_000_000));
    let login = Login {
        id: LoginId::new(id).unwrap(),
        user: UserId::new(1).unwrap(),
        device: None,
        created_at: now,
        used_at: now,
        expires_at: later,
        current: LoginSecret([1; 32]),
        previous: None,
    };
    assert!(stores.logins.open(&login).await?);
    let exchange = TokenExchange {
        presented: login.current,
        successor: LoginSecret([2; 32]),
        now,
        expires_at: later,
        age_max: Duration::from_secs(1_000),
        refused_until: later,
    };
    let rotation = stores.logins.rotate(login.id, &exchange).await?;
    assert!(matches!(rotation, Rotation::Rotated(_)), "{rotation:?}");
    let identity = Identity { user: login.user, login: login.id };
    assert!(stores.logins.revoke(EndedLogin { identity, refused_until: later }, now).await?);
    Ok(())
}

#[tokio::test]
async fn logins_use_a_quarter_of_the_reserve_when_the_disk_is_full() {
    let Some(disk) = SmallDisk::mount() else { return };
    let embedded = Embedded::open(&disk.config(24 * MIB)).unwrap();
    let stores = embedded.stores();
    let mut writer = Writer::new(1);
    writer.send(&stores).await;
    disk.fill(21 * MIB);
    let refused = StoreError::Unavailable("the disk is full".to_owned());
    assert_eq!(writer.try_send(&stores).await.as_ref(), Err(&refused));
    for id in 1..=50 {
        // Together, so that a batch has writes of both kinds.
        let mut sender = writer.clone();
        let (logged_in, sent) = tokio::join!(log_in_and_out(&stores, id), sender.try_send(&stores));
        assert_eq!(logged_in, Ok(()));
        assert_eq!(sent.as_ref(), Err(&refused));
    }
    assert_eq!(embedded.health(), Health::DiskFull);
    disk.free_space();
    disk.fill(17 * MIB);
    assert_eq!(log_in_and_out(&stores, 51).await.as_ref(), Err(&refused));
}

/// Without a reserve, fjall itself meets the full disk. Acknowledged writes stay, the outcome of the
/// failed write is unknown, and further writes are refused until a restart.
#[tokio::test]
async fn store_is_poisoned_until_restart_when_a_write_fails() {
    let Some(disk) = SmallDisk::mount() else { return };
    let embedded = Embedded::open(&disk.config(0)).unwrap();
    let mut changes = embedded.health_changes();
    let stores = embedded.stores();
    let mut writer = Writer::new(1);
    writer.send(&stores).await;
    disk.fill(MIB / 64);
    let failed = append_too_much(&stores, &writer).await;
    assert!(matches!(failed, Err(StoreError::Unknown(_))), "{failed:?}");
    changes.wait_for(|health| *health == Health::Poisoned).await.unwrap();
    disk.free_space();
    for _ in 0..3 {
        let refused = writer.try_send(&stores).await;
        assert!(matches!(refused, Err(StoreError::Unavailable(_))), "{refused:?}");
    }
    let heads = stores.log.heads(&[writer.conversation]).await;
    assert!(matches!(heads, Err(StoreError::Unavailable(_))), "{heads:?}");
    drop(stores);
    embedded.close();
    let embedded = reopen(&disk.config(0)).await;
    let stores = embedded.stores();
    let read = stores.log.read(writer.conversation, Seq::ZERO, Seq::new(1 << 40), usize::MAX);
    let entries = read.await.unwrap();
    assert!(entries.starts_with(&writer.entries));
    let more = entries.len() - writer.entries.len();
    assert!(more == 0 || more == 250, "the failed write was applied in part");
}

/// Appends more than the disk has space for.
async fn append_too_much(stores: &Stores, writer: &Writer) -> Result<Appended, StoreError> {
    let mut large = writer.clone();
    (0..250).for_each(|_| large.remember_next());
    let append = Append {
        conversation: writer.conversation,
        after: writer.head.seq,
        entries: &large.entries[writer.entries.len()..],
        bases: &[Seq::ZERO; 250],
        head: large.head,
    };
    stores.log.append(append).await
}

/// Opens the store as soon as the threads of the poisoned store have released the folder.
async fn reopen(config: &EmbeddedConfig) -> Embedded {
    for _ in 0..500 {
        if let Ok(embedded) = Embedded::open(config) {
            return embedded;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Embedded::open(config).unwrap()
}

#[tokio::test]
async fn store_opens_and_reads_when_the_disk_is_full() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::new(1);
    let embedded = Embedded::open(&EmbeddedConfig::new(dir.path())).unwrap();
    writer.send(&embedded.stores()).await;
    embedded.close();
    let full = EmbeddedConfig { reserve_bytes: u64::MAX, ..EmbeddedConfig::new(dir.path()) };
    let embedded = Embedded::open(&full).unwrap();
    assert_eq!(embedded.health(), Health::DiskFull);
    writer.assert_stored(&embedded.stores()).await;
}
