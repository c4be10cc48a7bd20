//! A target that is a file, with the state in a file beside it.

use super::error::EvaluationError;
use super::record::Record;
use super::snapshot::{Snapshot, Stored};
use crate::change::plan::overwrite;
use crate::input;
use crate::output::in_words;
use anyhow::{Context as _, anyhow, bail};
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long another evaluation may write.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// A target that is a file, with its state in a file beside it.
#[derive(Debug)]
pub(super) struct Files {
    file: PathBuf,
    lock: PathBuf,
    target: PathBuf,
}

impl Files {
    /// The one of this target.
    pub(super) fn beside(target: &Path) -> Self {
        let name = target.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            file: target.with_file_name(format!("{name}.rollout.json")),
            lock: target.with_file_name(format!("{name}.rollout.lock")),
            target: target.to_owned(),
        }
    }

    /// What is there now.
    ///
    /// # Errors
    /// The state cannot be read, or was not written by this program.
    pub(super) fn snapshot(&self) -> Result<Snapshot, EvaluationError> {
        let record = self.load()?;
        let text = input::read(&self.target);
        let text = text.with_context(|| self.target.display().to_string());
        Ok(Snapshot { record, text, object: None })
    }

    /// What is stored; `None` where nothing is.
    fn load(&self) -> anyhow::Result<Option<Record>> {
        let name = || self.file.display().to_string();
        if !self.file.try_exists().with_context(name)? {
            return Ok(None);
        }
        let text = input::read(&self.file).with_context(name)?;
        let wrong = |error: anyhow::Error| {
            let what = in_words(&error);
            anyhow!("{}: {what}; it is the state of a rollout, and written by weir only", name())
        };
        Record::read(text.as_bytes()).map(Some).map_err(wrong)
    }

    /// Stores the state, and then writes a version into the target, unless that has changed since it was looked at.
    /// The caller must hold the lock.
    ///
    /// # Errors
    /// Why it cannot be stored.
    pub(super) fn store(
        &self,
        snapshot: &Snapshot,
        record: &mut Record,
        write: Option<usize>,
    ) -> Result<Stored, EvaluationError> {
        self.save(record)?;
        let Some(wanted) = write.and_then(|version| record.versions.get(version)) else {
            return Ok(Stored::Done);
        };
        // The next evaluation says so.
        if self.snapshot()?.content(record) == snapshot.content(record)
            && let Err(error) = overwrite(&self.target, &wanted.text)
        {
            let error = anyhow::Error::new(error).context(self.target.display().to_string());
            return Ok(Stored::Rejected(error.into()));
        }
        Ok(Stored::Done)
    }

    /// Stores the state, as a whole or not at all.
    fn save(&self, record: &mut Record) -> anyhow::Result<()> {
        record.revision += 1;
        let text = serde_json::to_string(record)?;
        // It has the whole configuration in it: no one else may read it than may read that.
        let of = |file: &Path| fs::metadata(file).map(|it| it.permissions());
        let permissions = of(&self.target).or_else(|_| of(&self.file));
        let permissions = permissions.unwrap_or_else(|_| fs::Permissions::from_mode(0o600));
        let written = crate::output::replace_with(&self.file, text.as_bytes(), permissions);
        written.with_context(|| self.file.display().to_string())
    }

    /// Waits until nobody else holds the lock; it is released with the file, also when the program is killed.
    ///
    /// # Errors
    /// It cannot be had.
    pub(super) fn lock(&self) -> anyhow::Result<File> {
        let name = || self.lock.display().to_string();
        let file = File::options().create(true).append(true).open(&self.lock).with_context(name)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(error).with_context(name),
                Err(TryLockError::WouldBlock) if Instant::now() > deadline => {
                    bail!("{}: another weir rollout holds it", self.lock.display());
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(POLL),
            }
        }
    }
}
