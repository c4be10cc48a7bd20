//! Labels: where their values come from, and what keeps them few.

use super::builder::Builder;
use crate::bound::{Bound, Names};
use crate::label::{Class, Label, LabelSpec, SubBucket};
use crate::plan::{Reading, ResponseSource};
use crate::template::Template;
use std::cell::RefCell;
use weir_allocation::{Salt, purpose};
use weir_core::attribute::{AttributeSpec, PathSpec};
use weir_core::table::TableId;
use weir_core::value::Kind;
use weir_core::{At, AttrId, SourceSpec, header};

/// How many different values count where nothing is said.
const AT_MOST: u16 = 10;
/// The same for what the operator of the proxy names, not its clients.
const AT_MOST_OF_PROXY: u16 = 50;
/// How many may count at all, of any bound.
const MAX_LABEL_VALUES: usize = 1000;

/// The methods of RFC 9110 and RFC 5789.
const METHODS: [&str; 9] = ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

/// Headers that are secrets.
const SECRETS: [&[u8]; 6] =
    [b"authorization", b"proxy-authorization", b"cookie", b"set-cookie", b"x-api-key", b"x-csrf-token"];

/// What a label is.
pub(super) enum Compiled {
    Constant(Box<str>),
    /// By position in the readings.
    Read(u16),
}

impl Builder<'_, '_> {
    /// The label; `None` when something is wrong with it, which is reported.
    pub(super) fn label(&mut self, spec: &LabelSpec, at: &At) -> Option<Compiled> {
        if let Some((_, position)) = self.known.iter().find(|(known, _)| known == spec) {
            return Some(Compiled::Read(*position));
        }
        let label = match spec {
            LabelSpec::Short(text) => {
                &Label { source: Some(SourceSpec::Short(text.clone())), ..Label::default() }
            }
            LabelSpec::Long(label) => label,
        };
        let short = matches!(spec, LabelSpec::Short(_));
        if let (Some(text), true) = (&label.constant, one_source(label)) {
            self.no_bound(label, at);
            return Some(Compiled::Constant(text.as_str().into()));
        }
        let reading = self.reading(label, short, at)?;
        let position = self.read(reading);
        self.known.push((spec.clone(), position));
        Some(Compiled::Read(position))
    }

    /// The label with the variant of an experiment, which any number of metrics can have.
    pub(super) fn variant_label(&mut self, key: &str, at: &At) -> Option<u16> {
        if let Some(known) = self.variants.find(key) {
            return self.of_variants.get(known).copied();
        }
        let label = Label { variant: Some(key.to_owned()), ..Label::default() };
        let reading = self.reading(&label, false, at)?;
        let position = self.read(reading);
        self.variants.intern(key);
        self.of_variants.push(position);
        Some(position)
    }

    fn read(&mut self, reading: Reading) -> u16 {
        self.readings.push(reading);
        u16::of(self.readings.len() - 1)
    }

    fn reading(&mut self, label: &Label, short: bool, at: &At) -> Option<Reading> {
        if !one_source(label) {
            let message = "needs exactly one source of source, variant, constant, givenHeader, responseHeader, \
                           endProperty, subBucket";
            self.compiler.problems.missing(at, message);
            return None;
        }
        let part = |name: &str| if short { at.clone() } else { at.field(name) };
        if let Some(key) = &label.variant {
            return self.variant(key, label, at);
        }
        if let Some(name) = &label.given_header {
            let Some(header) = self.compiler.owned_header(name) else {
                let message = format!("no section of this configuration sets the request header {name:?}");
                self.compiler.problems.add(&part("givenHeader"), message);
                return None;
            };
            return Some(Reading::HeaderValue(header, self.bound(label, AT_MOST, at)?));
        }
        if let Some(name) = &label.response_header {
            let late = self.response_header(name, &part("responseHeader"))?;
            return Some(Reading::ResponseSource(late, self.bound(label, AT_MOST, at)?));
        }
        if let Some(path) = &label.end_property {
            let late = self.end_property(path, &part("endProperty"))?;
            return Some(Reading::ResponseSource(late, self.bound(label, AT_MOST, at)?));
        }
        if let Some(parts) = &label.sub_bucket {
            self.no_bound(label, at);
            return self.sub_bucket(parts, &at.field("subBucket"));
        }
        self.source(label.source.as_ref()?, label, &part("source"), at)
    }

    fn source(&mut self, source: &SourceSpec, label: &Label, at_source: &At, at: &At) -> Option<Reading> {
        let word = if let SourceSpec::Short(word) = source { word.as_str() } else { "" };
        match word {
            "codeClass" => {
                self.no_bound(label, at);
                return Some(Reading::Class);
            }
            "grpcStatus" => {
                self.no_bound(label, at);
                return Some(Reading::Grpc);
            }
            "code" => return Some(Reading::Code(self.bound(label, AT_MOST_OF_PROXY, at)?)),
            "route" => {
                let late = self.late(ResponseSource::Property((*b"xds\0route_name").into()));
                return Some(Reading::ResponseSource(late, self.bound(label, AT_MOST_OF_PROXY, at)?));
            }
            "method" if !has_bound(label) => {
                let attribute = self.compiler.source(source, at_source)?;
                return Some(Reading::Text(attribute, Bound::Listed(Names::new(METHODS.into_iter()))));
            }
            "path" if !has_bound(label) => {
                let message = "paths are unbounded: specify `templates`, `classes`, `values` or `atMost`";
                self.compiler.problems.missing(at, message);
                return None;
            }
            _ => {}
        }
        let attribute = self.compiler.source(source, at_source)?;
        self.no_secret(attribute, at_source)?;
        let bound = self.bound(label, AT_MOST, at)?;
        Some(match self.compiler.kind(attribute) {
            Kind::Number | Kind::Boolean => Reading::Scalar(attribute, bound),
            _ => Reading::Text(attribute, bound),
        })
    }

    /// Metrics and logs are read by many.
    pub(super) fn no_secret(&mut self, attribute: AttrId, at: &At) -> Option<()> {
        let name = self.compiler.header_of(attribute);
        if name.is_some_and(|name| SECRETS.contains(&name)) {
            let message = "this header contains secrets, and is not allowed in labels and logs";
            self.compiler.problems.add(at, message);
            return None;
        }
        Some(())
    }

    fn variant(&mut self, key: &str, label: &Label, at: &At) -> Option<Reading> {
        let found = self.compiler.experiment_by_key(key);
        if let Some((id, known)) = found {
            let names = known.variants.iter().map(|variant| variant.replace('.', "_").into()).collect();
            self.no_bound(label, at);
            return Some(Reading::Variant(id, names));
        }
        if !self.compiler.experiments().is_empty() {
            self.compiler.problems.add(&at.field("variant"), format!("unknown experiment {key:?}"));
            return None;
        }
        // Another plugin has decided, and left it in filter state.
        let state = ["filter_state", &["wasm.weir.", key].concat()].map(str::to_owned);
        let source = AttributeSpec { property: Some(PathSpec(state.into())), ..AttributeSpec::default() };
        let attribute = self.compiler.source(&SourceSpec::Long(Box::new(source)), at)?;
        Some(Reading::VariantOfPlugin(attribute, self.bound(label, AT_MOST, at)?))
    }

    fn sub_bucket(&mut self, parts: &SubBucket, at: &At) -> Option<Reading> {
        let units = self.units(&parts.unit, &at.field("unit"));
        let buckets = parts.buckets.unwrap_or(20);
        if !(2..=100).contains(&buckets) {
            self.compiler.problems.add(&at.field("buckets"), format!("{buckets} is not from 2 to 100"));
            return None;
        }
        let salt = Salt::derived(parts.seed.as_deref().unwrap_or("weir"), purpose::SUB_BUCKET);
        Some(Reading::SubBucket { units, salt, buckets: u16::try_from(buckets).unwrap_or(u16::MAX) })
    }

    /// What identifies a unit.
    pub(super) fn units(&mut self, sources: &[SourceSpec], at: &At) -> Box<[AttrId]> {
        if sources.is_empty() {
            self.compiler.problems.missing(at, "specify the source of the unit, such as header:x-user-id");
        }
        self.compiler.sources(sources, at)
    }

    pub(super) fn response_header(&mut self, name: &str, at: &At) -> Option<u16> {
        let name = self.compiler.problems.accept(header::name(name), at)?;
        if SECRETS.contains(&name.as_bytes()) {
            let message = "this header contains secrets, and is not allowed in labels and logs";
            self.compiler.problems.add(at, message);
            return None;
        }
        Some(self.late(ResponseSource::Header(name.into_bytes().into())))
    }

    pub(super) fn end_property(&mut self, path: &PathSpec, at: &At) -> Option<u16> {
        let segments: Vec<&str> = path.0.iter().map(String::as_str).collect();
        let path = self.compiler.property_path(&segments, at)?;
        Some(self.late(ResponseSource::Property(path)))
    }

    fn no_bound(&mut self, label: &Label, at: &At) {
        if has_bound(label) {
            let message = "this label has few values by itself: omit the bound";
            self.compiler.problems.add(at, message);
        }
    }

    fn bound(&mut self, label: &Label, at_most: u16, at: &At) -> Option<Bound> {
        let given = [
            !label.values.is_empty(),
            !label.templates.is_empty(),
            !label.classes.is_empty(),
            label.at_most.is_some(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            let message = "has several bounds: one of values, templates, classes, atMost";
            self.compiler.problems.add(at, message);
            return None;
        }
        let longest = label.values.len().max(label.templates.len()).max(label.classes.len());
        if longest > MAX_LABEL_VALUES {
            self.compiler.problems.add(at, format!("more than {MAX_LABEL_VALUES} values"));
            return None;
        }
        if !label.values.is_empty() {
            return Some(Bound::Listed(Names::new(label.values.iter().map(String::as_str))));
        }
        if !label.templates.is_empty() {
            return Some(self.templates(&label.templates, &at.field("templates")));
        }
        if !label.classes.is_empty() {
            return Some(self.classes(&label.classes, &at.field("classes")));
        }
        let most = label.at_most.map_or(at_most, |most| u16::try_from(most).unwrap_or(u16::MAX));
        if most == 0 || usize::from(most) > MAX_LABEL_VALUES {
            self.compiler.problems.add(&at.field("atMost"), format!("is not from 1 to {MAX_LABEL_VALUES}"));
            return None;
        }
        Some(Bound::Capped { names: RefCell::default(), most })
    }

    pub(super) fn templates(&mut self, texts: &[String], at: &At) -> Bound {
        let mut templates = Vec::new();
        for (i, text) in texts.iter().enumerate() {
            match Template::new(text) {
                Ok(template) => templates.push((template, text.as_str().into())),
                Err(rule) => self.compiler.problems.add(&at.index(i), format!("{text:?}: {rule}")),
            }
        }
        Bound::Templates(templates.into())
    }

    fn classes(&mut self, classes: &[Class], at: &At) -> Bound {
        let (mut tests, mut names): (Vec<_>, Vec<Box<str>>) = (Vec::new(), Vec::new());
        for (i, class) in classes.iter().enumerate() {
            let at = at.index(i);
            if class.class.is_empty() {
                self.compiler.problems.missing(&at.field("class"), "a class needs a name");
            }
            let known = names.iter().position(|name| **name == *class.class);
            let position = known.unwrap_or_else(|| {
                names.push(class.class.as_str().into());
                names.len() - 1
            });
            if let Some(asks) = class.text.asks(false, &mut self.compiler.problems, &at.field("match")) {
                tests.push((asks, crate::bound::FIRST.saturating_add(u16::of(position))));
            }
        }
        Bound::Classes { tests: tests.into(), names: names.into() }
    }
}

fn one_source(label: &Label) -> bool {
    let given = [
        label.source.is_some(),
        label.variant.is_some(),
        label.constant.is_some(),
        label.given_header.is_some(),
        label.response_header.is_some(),
        label.end_property.is_some(),
        label.sub_bucket.is_some(),
    ];
    given.iter().filter(|given| **given).count() == 1
}

pub(super) fn has_bound(label: &Label) -> bool {
    !label.values.is_empty()
        || !label.templates.is_empty()
        || !label.classes.is_empty()
        || label.at_most.is_some()
}
