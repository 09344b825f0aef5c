//! The index without a server: [tantivy](https://docs.rs/tantivy) in a local folder, beside the
//! embedded store.
//!
//! What holds:
//! - One commit has documents together with the marks of their conversations. So after a kill nothing
//!   is missing: what follows a mark is read from the log again.
//! - The index can be made again from the logs. A damaged one, and one of another format, is emptied.
//! - The texts themselves are not in it, only their words.
//! - Memory is bounded: [`WRITER_BYTES`] for the writer, and pages of the files.
//!
//! `folder` writes the files, `schema` has the fields, and `newest` finds the newest matches.

mod folder;
mod newest;
mod schema;

use std::{
    collections::HashMap,
    fmt, fs, io,
    panic::catch_unwind,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use async_trait::async_trait;
use chat_core::{
    id::ConversationId,
    model::Seq,
    port::{IndexedPart, Place, Search, SearchError, SearchRequest},
    search::FORMAT,
};
use parking_lot::Mutex;
use tantivy::{
    Directory, DocId, DocSet, Index, IndexReader, IndexWriter, ReloadPolicy, SegmentReader,
    TERMINATED, TantivyError, Term, index::SegmentId, indexer::UserOperation,
    schema::IndexRecordOption,
};
use tokio::sync::oneshot;

use self::{folder::Folder, newest::Newest, schema::Fields};

/// The file that has the format.
const FORMAT_FILE: &str = "format";
/// The files that a segment need not have. The index cannot be opened without the deletions of a segment
/// that has some.
const OPTIONAL: [&str; 2] = ["del", "temp"];
/// How nice the writer's threads are: a busy normal thread gets nine times the time of each of them.
#[cfg(target_os = "linux")]
const WRITER_NICE: i32 = 10;
/// The writer's memory.
const WRITER_BYTES: usize = 32 * 1024 * 1024;

/// The reason why an index could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum LocalSearchError {
    /// The folder cannot be used.
    #[error("folder {dir}: {error}")]
    Folder {
        /// The folder.
        dir: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The index cannot be created.
    #[error("index in {dir}: {error}")]
    Index {
        /// The folder.
        dir: PathBuf,
        /// Why.
        error: TantivyError,
    },
}

/// An index in a local folder.
#[derive(Debug)]
pub struct LocalSearch(Arc<Shared>);

struct Shared {
    index: Index,
    fields: Fields,
    reader: IndexReader,
    /// The only writer, or `None` after a failure.
    writer: Mutex<Option<IndexWriter>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("index", &self.index).finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.get_mut().take() {
            end(writer);
        }
    }
}

impl LocalSearch {
    /// Opens the index of a folder, or creates it. Empties it if it is damaged or has another format.
    /// Blocks while it reads the files to check them.
    pub fn open(dir: &Path) -> Result<Self, LocalSearchError> {
        let folder = |error| LocalSearchError::Folder { dir: dir.to_owned(), error };
        let is_known = fs::read_to_string(dir.join(FORMAT_FILE))
            .is_ok_and(|found| found == FORMAT.to_string());
        if is_known {
            // A damaged file can cause a panic while it is read.
            let panicked = |_| Err(TantivyError::InternalError("a file caused a panic".into()));
            match catch_unwind(|| Shared::open(dir)).unwrap_or_else(panicked) {
                Ok(shared) => return Ok(Self(Arc::new(shared))),
                Err(error) => {
                    tracing::warn!(%error, "the index of messages is damaged, making it again");
                }
            }
        }
        if dir.exists() {
            fs::remove_dir_all(dir).map_err(folder)?;
        }
        fs::create_dir_all(dir).map_err(folder)?;
        let shared = Shared::open(dir);
        let shared =
            shared.map_err(|error| LocalSearchError::Index { dir: dir.to_owned(), error })?;
        // Last, so that an index that was not created completely is made again.
        fs::write(dir.join(FORMAT_FILE), FORMAT.to_string()).map_err(folder)?;
        Ok(Self(Arc::new(shared)))
    }

    /// Runs `write` on a thread of its own. Tantivy starts threads for each commit, which get its
    /// priority, so that sending does not wait for indexing.
    async fn writing(
        &self,
        write: impl FnOnce(&Shared) -> Result<(), TantivyError> + Send + 'static,
    ) -> Result<(), SearchError> {
        let shared = self.0.clone();
        let (done, result) = oneshot::channel();
        let work = move || {
            lower_priority();
            let written = write(&shared);
            // The caller may open the index again at once.
            drop(shared);
            // Nobody waits any longer after a shutdown.
            drop(done.send(written));
        };
        thread::Builder::new()
            .name("search-writer".into())
            .spawn(work)
            .map_err(|error| SearchError::Unavailable(error.to_string()))?;
        match result.await {
            Ok(done) => done.map_err(|error| failed(&error)),
            // Damaged files can cause panics.
            Err(_) => Err(SearchError::Damaged("the writer panicked".into())),
        }
    }

    /// Runs `work` on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, TantivyError> + Send + 'static,
    ) -> Result<T, SearchError> {
        let shared = self.0.clone();
        match tokio::task::spawn_blocking(move || work(&shared)).await {
            Ok(done) => done.map_err(|error| failed(&error)),
            // Damaged files can cause panics.
            Err(error) => Err(SearchError::Damaged(error.to_string())),
        }
    }
}

fn failed(error: &TantivyError) -> SearchError {
    let is_damage = matches!(
        error,
        TantivyError::DataCorruption(_)
            | TantivyError::IncompatibleIndex(_)
            | TantivyError::SchemaError(_)
            | TantivyError::InternalError(_)
            | TantivyError::OpenReadError(_)
    );
    let detail = error.to_string();
    if is_damage { SearchError::Damaged(detail) } else { SearchError::Unavailable(detail) }
}

impl Shared {
    fn open(dir: &Path) -> Result<Self, TantivyError> {
        let (schema, fields) = schema::fields();
        let index = Index::open_or_create(Folder::open(dir)?, schema)?;
        check(&index, dir)?;
        schema::register_tokenizer(&index);
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let writer = Mutex::new(Some(open_writer(&index)?));
        Ok(Self { index, fields, reader, writer })
    }

    /// Runs `write` and commits what it has written, or nothing of it.
    fn write(
        &self,
        write: impl FnOnce(&mut IndexWriter) -> Result<(), TantivyError>,
    ) -> Result<(), TantivyError> {
        let mut place = self.writer.lock();
        // A writer that has failed takes nothing more.
        let mut writer = match place.take() {
            Some(writer) => writer,
            None => open_writer(&self.index)?,
        };
        let written = write(&mut writer).and_then(|()| writer.commit());
        if let Err(error) = written.and_then(|_| self.reader.reload()) {
            end(writer);
            return Err(error);
        }
        *place = Some(writer);
        Ok(())
    }

    fn index(&self, parts: &[IndexedPart]) -> Result<(), TantivyError> {
        self.write(|writer| self.index_parts(writer, parts))
    }

    fn index_parts(&self, writer: &IndexWriter, parts: &[IndexedPart]) -> Result<(), TantivyError> {
        let mut marks = HashMap::new();
        for part in parts {
            let known = marks.get(&part.conversation).copied();
            let mark = known.map_or_else(|| self.mark(part.conversation), Ok)?;
            if part.to > mark {
                self.index_part(writer, part, mark)?;
                marks.insert(part.conversation, part.to);
            }
        }
        marks.into_iter().try_for_each(|(conversation, mark)| {
            writer.delete_term(self.fields.mark_of(conversation));
            writer.add_document(self.fields.mark(conversation, mark)).map(drop)
        })
    }

    /// Writes the documents of a part that begins at this mark or below. Its end is above the mark, so
    /// it was read later than everything that the index has of the conversation.
    fn index_part(
        &self,
        writer: &IndexWriter,
        part: &IndexedPart,
        mark: Seq,
    ) -> Result<(), TantivyError> {
        for document in part.documents.iter().filter(|document| document.place.seq <= mark) {
            writer.delete_query(Box::new(self.fields.message(&document.place)))?;
        }
        let new = part.documents.iter().filter_map(|document| self.fields.document(document));
        // In one call, because each call wakes a thread.
        writer.run(new.map(UserOperation::Add).collect::<Vec<_>>()).map(drop)
    }

    /// Returns the committed mark of a conversation.
    fn mark(&self, conversation: ConversationId) -> Result<Seq, TantivyError> {
        let term = self.fields.mark_of(conversation);
        for segment in self.reader.searcher().segment_readers() {
            if let Some(doc) = current(segment, &term)? {
                let seqs = segment.fast_fields().u64(schema::SEQ)?;
                return Ok(Seq::new(seqs.first(doc).unwrap_or_default()));
            }
        }
        Ok(Seq::ZERO)
    }

    fn query(&self, request: &SearchRequest) -> Result<Vec<Place>, TantivyError> {
        let query = self.fields.query(request);
        self.reader.searcher().search(&*query, &Newest::new(request))
    }

    fn clear(&self) -> Result<(), TantivyError> {
        self.write(|writer| writer.delete_all_documents().map(drop))
    }
}

/// Returns the document with this term that is not deleted.
fn current(segment: &SegmentReader, term: &Term) -> Result<Option<DocId>, TantivyError> {
    let inverted = segment.inverted_index(term.field())?;
    let Some(mut postings) = inverted.read_postings(term, IndexRecordOption::Basic)? else {
        return Ok(None);
    };
    let mut doc = postings.doc();
    while doc != TERMINATED && segment.is_deleted(doc) {
        doc = postings.advance();
    }
    Ok((doc != TERMINATED).then_some(doc))
}

/// Removes files that are not part of the last commit: a power failure may have left them, and their names may
/// be used again. Fails if a file of the commit is damaged or missing. Tantivy's own check leaves out files that
/// are not in its list of files, and that list may be an earlier one.
fn check(index: &Index, dir: &Path) -> Result<(), TantivyError> {
    let directory = index.directory();
    let committed = index.load_metas()?.list_segment_files();
    for entry in fs::read_dir(dir)? {
        let name = PathBuf::from(entry?.file_name());
        if !committed.contains(&name) && is_of_segment(&name) {
            fs::remove_file(dir.join(name))?;
        }
    }
    for file in committed {
        let is_right = if directory.exists(&file)? {
            directory.validate_checksum(&file)?
        } else {
            file.extension().is_some_and(|kind| OPTIONAL.iter().any(|name| kind == *name))
        };
        if !is_right {
            let detail = format!("{} is damaged or missing", file.display());
            return Err(TantivyError::InternalError(detail));
        }
    }
    Ok(())
}

/// Returns true for `ID.KIND`. All other files have no id.
fn is_of_segment(name: &Path) -> bool {
    let id = name.to_str().and_then(|name| name.split('.').next());
    id.is_some_and(|id| SegmentId::from_uuid_string(id).is_ok())
}

/// Waits for the merges of a writer. If it were only dropped, a merge could still delete files that the last
/// commit has, while the index is opened again.
fn end(writer: IndexWriter) {
    if let Err(error) = writer.wait_merging_threads() {
        tracing::debug!(%error, "the index was closed after a failed merge");
    }
}

fn open_writer(index: &Index) -> Result<IndexWriter, TantivyError> {
    index.writer_with_num_threads(1, WRITER_BYTES)
}

/// Gives the calling thread, and the threads that it starts later, less time than others where there
/// are not enough processors.
#[cfg(target_os = "linux")]
fn lower_priority() {
    // Linux changes the calling thread alone. With normal priority everything works, too.
    if let Err(error) = rustix::process::setpriority_process(None, WRITER_NICE) {
        tracing::debug!(%error, "the index is made with normal priority");
    }
}

/// Other systems would change all threads of the process.
#[cfg(not(target_os = "linux"))]
const fn lower_priority() {}

#[async_trait]
impl Search for LocalSearch {
    async fn marks(&self, conversations: &[ConversationId]) -> Result<Vec<Seq>, SearchError> {
        let conversations = conversations.to_vec();
        self.blocking(move |shared| conversations.into_iter().map(|one| shared.mark(one)).collect())
            .await
    }

    async fn index(&self, parts: &[IndexedPart]) -> Result<(), SearchError> {
        let parts = parts.to_vec();
        self.writing(move |shared| shared.index(&parts)).await
    }

    async fn query(&self, request: &SearchRequest) -> Result<Vec<Place>, SearchError> {
        let request = request.clone();
        self.blocking(move |shared| shared.query(&request)).await
    }

    async fn clear(&self) -> Result<(), SearchError> {
        self.writing(Shared::clear).await
    }
}
