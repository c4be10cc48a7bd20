//! Follows the file, and keeps an Envoy running with it.

use super::state::Shared;
use crate::document::{self, Loaded};
use crate::input;
use crate::output::in_words;
use crate::run::stop::Stop;
use crate::run::{Envoy, Machine, Place, Services, Waited, warn_of_unset};
use anyhow::bail;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;
use weir_workbench::variables::Variables;

/// How often the file is looked at. Editors replace files in several ways, so its text is what counts.
const POLL: Duration = Duration::from_millis(250);

/// What an Envoy is run with.
pub(super) struct Keeper<'a> {
    pub(super) config: &'a Path,
    pub(super) machine: &'a Machine,
    pub(super) variables: Variables,
    pub(super) shared: Arc<Shared>,
    pub(super) runtime: &'a Runtime,
    pub(super) stop: &'a Stop,
}

/// An Envoy that serves, with its services, which end with it.
struct House {
    envoy: Envoy,
    _services: Services,
}

impl Keeper<'_> {
    /// Follows the file until the program is stopped. Envoy is where `place` says.
    pub(super) fn keep(self, place: anyhow::Result<Place>) {
        let mut house = None;
        let mut told = self.renew(&mut house, &place);
        let mut unreadable = false;
        while !told && !self.stop.told_within(POLL) {
            match input::read(self.config) {
                Ok(text) if unreadable || text != self.shared.now().text => {
                    unreadable = false;
                    self.shared.file(Ok(text));
                    told = self.renew(&mut house, &place);
                }
                Ok(_) => told = self.look(&mut house),
                Err(_) if unreadable => {}
                Err(error) => {
                    // A file that an editor replaces is away for a moment.
                    unreadable = true;
                    self.shared.file(Err(error));
                }
            }
        }
    }

    /// Whether Envoy is still there. True when we are to stop.
    fn look(&self, house: &mut Option<House>) -> bool {
        let Some(running) = house else { return false };
        match running.envoy.is_over() {
            Ok(None) => false,
            over => {
                let why = match over {
                    Ok(status) => status.map(|it| it.to_string()).unwrap_or_default(),
                    Err(error) => error.to_string(),
                };
                *house = None;
                self.shared.missing(format!(
                    "Envoy has ended ({why}): its log is on the terminal; change the file to start it again"
                ));
                false
            }
        }
    }

    /// Runs what is in the file now. A file with problems changes nothing. True when we are to stop.
    fn renew(&self, house: &mut Option<House>, place: &anyhow::Result<Place>) -> bool {
        // Why there is none was said at the beginning.
        let Ok(place) = place else { return false };
        match self.load() {
            Err(why) if house.is_some() => {
                self.shared.behind(in_words(&why));
                false
            }
            Err(why) => {
                self.shared.missing(in_words(&why));
                false
            }
            Ok(loaded) => {
                // The ports are the same, so the old one goes first.
                *house = None;
                self.shared.starting(&place.url(), [place.reached(), place.reached_admin()]);
                match self.start(place, &loaded) {
                    Ok(Some(started)) => *house = Some(started),
                    Ok(None) => return true,
                    Err(why) => self.shared.missing(in_words(&why)),
                }
                false
            }
        }
    }

    fn load(&self) -> anyhow::Result<Loaded> {
        let name = input::name(self.config);
        let text = self.shared.now().text;
        Ok(document::find(&name, &text, &self.variables, |_| true)?)
    }

    /// Starts Envoy, and waits until it serves. `None` when we are to stop.
    fn start(&self, place: &Place, loaded: &Loaded) -> anyhow::Result<Option<House>> {
        let services = Services::start(self.runtime, self.machine, loaded)?;
        warn_of_unset(loaded, &self.variables);
        let mut envoy = services.envoy(place, self.machine, loaded, &self.variables)?;
        match envoy.until_ready(self.stop)? {
            Waited::Told => Ok(None),
            Waited::Ended { status, .. } => {
                bail!("Envoy has ended before it served ({status}): its log is on the terminal")
            }
            Waited::Ready => {
                self.shared.ready();
                Ok(Some(House { envoy, _services: services }))
            }
        }
    }
}
