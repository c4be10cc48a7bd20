//! The result of the whole pipeline for many units: status, holdouts, layers, prerequisites, coverage and
//! hash together. Targeting is assumed to hold, because it depends on requests, not on units.

use crate::document::Loaded;
use crate::error::Error;
use std::collections::HashSet;
use weir_core::attribute::{AttributeSpec, RequestPart};
use weir_core::header::encode_pairs;
use weir_core::{
    AttributeMap, Cel, Clock, Effects, Properties, Random, Request, Scratch, Signatures, SourceSpec,
    Targeting,
};
use weir_experiment::{Note, Status, Step, Verdict};
use weir_pipeline::{Document, Plans, Trace, experiments, jwt, routing};

/// Where the decision about a unit ends.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum End {
    /// It gets this variant, or target, by position.
    Variant(usize),
    /// It does not take part: the step that said so, and the holdout or layer that did.
    Out(Step, Option<String>),
}

impl End {
    /// The variant, where there is one.
    pub fn variant(&self) -> Option<usize> {
        match self {
            Self::Variant(index) => Some(*index),
            Self::Out(..) => None,
        }
    }
}

/// What a [`Population`] is made of. It can be sent to another thread, which makes its own.
pub struct Recipe {
    json: Vec<u8>,
    places: Vec<UnitSource>,
}

/// A configuration that decides about units.
pub struct Population {
    plans: Plans,
    places: Vec<UnitSource>,
    scratch: Scratch,
    effects: Effects,
}

/// Where a request carries its unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum UnitSource {
    Header(String),
    Cookie(String),
    Query(String),
    Property(Vec<u8>),
    Path,
    Host,
}

/// What one unit is given.
#[derive(Debug, Default)]
pub struct Ends {
    /// By experiment, in the order of the configuration.
    pub experiments: Vec<Option<End>>,
    /// The target of the split, where one is asked for and the unit reaches it.
    pub split: Option<usize>,
}

impl Recipe {
    /// A configuration's experiments, and the split of one of its rules.
    ///
    /// # Errors
    /// When the document cannot be written as JSON; a message for people.
    pub fn new(loaded: &Loaded, rule: Option<&str>) -> Result<Self, Error> {
        let document = without_requests(&loaded.document, rule);
        let json = serde_json::to_vec(&document).map_err(Error::because)?;
        Ok(Self { json, places: places(&document) })
    }

    /// The configuration, ready to decide.
    ///
    /// # Errors
    /// When it cannot be loaded without what is left out; a message for people.
    pub fn population(&self) -> Result<Population, Error> {
        let plans = Plans::load_offline(&self.json, &|_| None).map_err(|problems| {
            Error::because(format_args!("the units of this configuration cannot be simulated: {problems}"))
        })?;
        let (scratch, effects) = (Scratch::default(), Effects::default());
        Ok(Population { plans, places: self.places.clone(), scratch, effects })
    }
}

impl Population {
    /// A configuration's experiments, and the split of one of its rules.
    ///
    /// # Errors
    /// As [`Recipe::population`].
    pub fn new(loaded: &Loaded, rule: Option<&str>) -> Result<Self, Error> {
        Recipe::new(loaded, rule)?.population()
    }

    /// Decides about a unit.
    pub fn decide(&mut self, unit: &[u8]) -> Ends {
        let (raw, outside) = request(&self.places, unit);
        let access_plan = &self.plans.access_plan;
        self.scratch.read(access_plan, &raw);
        let request = Request::new(access_plan, &raw, &self.scratch, &outside);
        self.effects.reset(access_plan);
        let mut ends = Ends::default();
        ends.experiments.resize(access_plan.experiments.len(), None);
        self.plans.decide_traced(&request, &mut self.effects, &mut ends);
        ends
    }
}

/// The document without all that is a matter of single requests.
fn without_requests(document: &Document, rule: Option<&str>) -> Document {
    let mut document = document.clone();
    (document.schema, document.jwt, document.faults, document.metrics) = (None, None, None, None);
    document.ownership = Default::default();
    if let Some(section) = &mut document.experiments {
        (section.secret, section.consent, section.trust) = (Vec::new(), None, None);
        (section.assignment_cookie, section.overrides) = (None, None);
        let combined = section.output.combined_header.take();
        section.output = weir_experiment::Output { combined_header: combined, ..Default::default() };
        section.output.counters = Some(false);
        for experiment in &mut section.list {
            experiment.targeting = Targeting::default();
            (experiment.start, experiment.end) = (None, None);
            (experiment.sticky, experiment.min_bucket_version) = (false, 0);
            if experiment.status == Some(Status::Paused) {
                experiment.status = None;
            }
        }
    }
    document.routing = document.routing.take().zip(rule).and_then(|(mut routing, wanted)| {
        routing.rules.retain(|rule| rule.name == wanted);
        for rule in &mut routing.rules {
            rule.targeting = Targeting::default();
        }
        (routing.default, routing.response) = (None, weir_ab_routing::Response::default());
        (!routing.rules.is_empty()).then_some(routing)
    });
    document
}

/// Where units are looked for first.
fn places(document: &Document) -> Vec<UnitSource> {
    let named = &document.attributes;
    let mut found = HashSet::new();
    let mut all = Vec::new();
    let mut add = |source: Option<&SourceSpec>, cookie: Option<&str>| {
        let place = match source {
            Some(source) => place(source, named),
            None => cookie.map(|name| UnitSource::Cookie(name.to_owned())),
        };
        all.extend(place.filter(|place| found.insert(place.clone())));
    };
    if let Some(section) = &document.experiments {
        let cookie = section.mint_cookie.as_ref().map(|cookie| cookie.name.as_str());
        for experiment in &section.list {
            add(experiment.unit.first().or(section.unit.first()), cookie);
            experiment.layer.iter().for_each(|layer| add(layer.unit.first(), None));
        }
    }
    for split in document.routing.iter().flat_map(|it| &it.rules).filter_map(|rule| rule.split.as_ref()) {
        add(split.sticky_by.first(), split.mint_cookie.as_ref().map(|cookie| cookie.name.as_str()));
    }
    all
}

fn place(source: &SourceSpec, named: &AttributeMap) -> Option<UnitSource> {
    let long = match source {
        SourceSpec::Long(spec) => (**spec).clone(),
        SourceSpec::Short(text) => match named.get(text) {
            Some(SourceSpec::Long(spec)) => (**spec).clone(),
            Some(SourceSpec::Short(inner)) => AttributeSpec::of_short(inner)?,
            None => AttributeSpec::of_short(text)?,
        },
    };
    let property = |map: &[&str], path: &[String]| {
        let segments: Vec<&str> = map.iter().copied().chain(path.iter().map(String::as_str)).collect();
        UnitSource::Property(segments.join("\0").into_bytes())
    };
    Some(match long {
        AttributeSpec { header: Some(name), .. } => UnitSource::Header(name.to_ascii_lowercase()),
        AttributeSpec { cookie: Some(name), .. } => UnitSource::Cookie(name),
        AttributeSpec { query: Some(name), .. } => UnitSource::Query(name),
        AttributeSpec { claim: Some(path), payload, .. } => {
            let payload = payload.as_deref().unwrap_or("payload");
            property(
                &["metadata", "filter_metadata", "envoy.filters.http.jwt_authn", payload],
                &path.path().ok()?,
            )
        }
        AttributeSpec { property: Some(path), .. } => property(&[], &path.0),
        AttributeSpec { route_metadata: Some(path), .. } => {
            property(&["xds", "route_metadata", "filter_metadata"], &path.0)
        }
        AttributeSpec { request: Some(RequestPart::Path), .. } => UnitSource::Path,
        AttributeSpec { request: Some(RequestPart::Host), .. } => UnitSource::Host,
        _ => return None,
    })
}

/// A request that carries a unit.
fn request<'u>(places: &[UnitSource], unit: &'u [u8]) -> (Vec<u8>, Carried<'u>) {
    let encoded = || unit.iter().map(|byte| format!("%{byte:02X}")).collect::<String>().into_bytes();
    let (mut path, mut host) = (b"/".to_vec(), b"example.com".to_vec());
    let (mut headers, mut cookies, mut properties) = (Vec::new(), Vec::new(), Vec::new());
    let mut mark: &[u8] = b"?";
    for place in places {
        match place {
            UnitSource::Header(name) => headers.push((name.as_bytes(), unit.to_vec())),
            UnitSource::Cookie(name) => cookies.push([name.as_bytes(), b"=", unit].concat()),
            UnitSource::Query(name) => {
                path.extend([mark, name.as_bytes(), b"=", &encoded()].concat());
                mark = b"&";
            }
            UnitSource::Property(path) => properties.push(path.clone()),
            UnitSource::Path => path = unit.to_vec(),
            UnitSource::Host => host = unit.to_vec(),
        }
    }
    let mut pairs: Vec<(&[u8], Vec<u8>)> = vec![
        (b":authority", host),
        (b":path", path),
        (b":method", b"GET".to_vec()),
        (b":scheme", b"https".to_vec()),
    ];
    pairs.extend(headers);
    if !cookies.is_empty() {
        pairs.push((b"cookie", cookies.join(&b"; "[..])));
    }
    (encode_pairs(&pairs), Carried { unit, properties })
}

/// What the proxy would be asked.
struct Carried<'u> {
    unit: &'u [u8],
    properties: Vec<Vec<u8>>,
}

impl Properties for Carried<'_> {
    type Bytes = Box<[u8]>;

    fn property(&self, path: &[u8]) -> Option<Box<[u8]>> {
        self.properties.iter().any(|known| known == path).then(|| self.unit.into())
    }
}

impl Random for Carried<'_> {
    fn random(&self) -> u64 {
        0
    }
}

impl Clock for Carried<'_> {
    /// After all ramps: what has a time of its own is left out.
    fn now(&self) -> u64 {
        u64::MAX
    }
}

impl Cel for Carried<'_> {}

impl Signatures for Carried<'_> {}

impl experiments::Trace for Ends {
    fn note(&mut self, note: Note<'_>) {
        let end = match note.verdict {
            Verdict::Variant(index) => End::Variant(index),
            Verdict::Out | Verdict::Unknown => End::Out(note.step, note.pool.map(str::to_owned)),
            Verdict::On => return,
        };
        if let Some(slot) = self.experiments.get_mut(note.experiment.index()) {
            *slot = Some(end);
        }
    }
}

impl routing::Trace for Ends {
    fn routing_step(&mut self, note: routing::Note<'_>) {
        match note {
            routing::Note::Split { target, .. } => self.split = Some(target),
            routing::Note::First => self.split = Some(0),
            routing::Note::Rule { .. } => {}
        }
    }
}

impl jwt::Trace for Ends {
    fn token_step(&mut self, _: jwt::Note<'_>) {}
}

impl Trace for Ends {}
