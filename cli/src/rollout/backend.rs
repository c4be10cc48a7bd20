//! Where a rollout's target and its state are: files, or a resource in a cluster.

use super::error::EvaluationError;
use super::files::Files;
use super::object;
use super::record::Record;
use super::resource::Resources;
use super::snapshot::{Snapshot, Stored};
use super::specification::Specification;
use crate::kubernetes::ClusterContext;
use std::fs::File;
use weir_rollout::{Event, Place};

/// Where target and state are.
pub(super) enum Backend {
    /// The target is a file, and the state is in one beside it.
    Files(Files),
    /// The target is a resource, and the state is an annotation of it.
    Resource(Resources),
}

impl Backend {
    /// The home of a specification's target. Fills in what the specification calls it.
    ///
    /// # Errors
    /// There is no way to the cluster.
    pub(super) fn open(
        specification: &mut Specification,
        connection: &ClusterContext,
    ) -> anyhow::Result<Self> {
        match &specification.plan.place {
            Place::File(file) => {
                let target = specification.folder.join(file);
                specification.place = target.display().to_string();
                Ok(Self::Files(Files::beside(&target)))
            }
            Place::Resource(resource) => {
                let mut resource = resource.clone();
                let resources = Resources::open(&mut resource, connection)?;
                specification.plan.place = Place::Resource(resource);
                specification.title = specification.plan.place.to_string();
                specification.place = specification.title.clone();
                Ok(Self::Resource(resources))
            }
        }
    }

    /// What is there now.
    ///
    /// # Errors
    /// The state cannot be read.
    pub(super) fn snapshot(&self) -> Result<Snapshot, EvaluationError> {
        match self {
            Self::Files(files) => files.snapshot(),
            Self::Resource(resources) => resources.snapshot(),
        }
    }

    /// Keeps other evaluations on this machine from storing; a resource needs no lock, as its version is compared.
    ///
    /// # Errors
    /// The lock cannot be had.
    pub(super) fn lock(&self) -> anyhow::Result<Option<File>> {
        match self {
            Self::Files(files) => files.lock().map(Some),
            Self::Resource(_) => Ok(None),
        }
    }

    /// Stores the state and, after it or together with it, writes a version into the target, unless that has changed
    /// since it was looked at. The caller must hold the lock.
    ///
    /// # Errors
    /// Why it cannot be stored.
    pub(super) fn store(
        &self,
        snapshot: &Snapshot,
        record: &mut Record,
        write: Option<usize>,
        status: &str,
    ) -> Result<Stored, EvaluationError> {
        match self {
            Self::Files(files) => files.store(snapshot, record, write),
            Self::Resource(resources) => resources.store(snapshot, record, write, status),
        }
    }

    /// Tells the cluster what has happened.
    pub(super) fn announce(&mut self, snapshot: &Snapshot, events: &[Event]) {
        if let Self::Resource(resources) = self {
            resources.announce(snapshot, events);
        }
    }

    /// A text of the target in the form in which texts are compared.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn canonical(&self, text: String) -> anyhow::Result<String> {
        match self {
            Self::Files(_) => Ok(text),
            Self::Resource(_) => object::canonical(&text),
        }
    }
}
