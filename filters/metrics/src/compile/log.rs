//! The access log.

use super::builder::Builder;
use super::labels::{Compiled, has_bound};
use crate::bound::Bound;
use crate::config::AccessLog;
use crate::label::{Label, LabelSpec};
use crate::plan::{Field, Log, Reading, ResponseSource, Sample};
use std::str::FromStr;
use weir_allocation::{Fraction, Salt};
use weir_cookie::Signer;
use weir_core::ids::ExperimentId;
use weir_core::table::TableId;
use weir_core::{At, AttrId, SourceSpec};

/// The fields that a line has by itself.
const OWN: [&str; 9] =
    ["method", "path", "trace_id", "unit", "experiments", "decided", "status", "duration_ms", "route"];
/// How many fields of their own users may have.
const MAX_FIELDS: usize = 32;

impl Builder<'_, '_> {
    pub(super) fn log(&mut self, spec: &AccessLog, at: &At) -> Option<Log> {
        let share = match spec.sample.as_deref().map(Fraction::from_str) {
            None => Fraction::ALL,
            Some(Ok(share)) => share,
            Some(Err(_)) => {
                let message =
                    "is not a fraction such as \"1%\" or \"0.01\", with at most four decimals of a percent";
                self.compiler.problems.add(&at.field("sample"), message);
                return None;
            }
        };
        let requests = self.requests(&spec.targeting, at);
        let responses = spec.response.as_ref().and_then(|r| self.responses(r, &at.field("response")));
        let traceparent = self.compiler.header("traceparent", at)?;
        let fields = self.fields(spec, at);
        let path = spec.raw_path.then(|| self.compiler.path());
        Some(Log {
            sample: Sample { salt: Salt::new("weir/access-log"), share: share.millionths() },
            requests,
            responses: responses.map(Box::new),
            traceparent,
            path,
            unit: self.unit(spec, at),
            experiments: self.logged_experiments(),
            fields,
            level: spec.level.unwrap_or_default(),
        })
    }

    fn fields(&mut self, spec: &AccessLog, at: &At) -> Box<[(Box<str>, Field)]> {
        let mut fields: Vec<(Box<str>, Field)> = Vec::new();
        let method = LabelSpec::Short("method".to_owned());
        if let Some(Compiled::Read(position)) = self.label(&method, at) {
            fields.push(("method".into(), Field::Reading(position)));
        }
        if !spec.templates.is_empty() {
            if spec.raw_path {
                let message = "specify either `templates` or `rawPath`, not both";
                self.compiler.problems.add(&at.field("rawPath"), message);
            }
            let (path, at) = (self.compiler.path(), at.field("templates"));
            let templates: Bound = self.templates(&spec.templates, &at);
            self.readings.push(Reading::Text(path, templates));
            fields.push(("path".into(), Field::Reading(u16::of(self.readings.len() - 1))));
        }
        if spec.route.unwrap_or(true) {
            let late = self.late(ResponseSource::Property((*b"xds\0route_name").into()));
            fields.push(("route".into(), Field::ResponseSource(late)));
        }
        let at = at.field("fields");
        if spec.fields.iter().count() > MAX_FIELDS {
            self.compiler.problems.add(&at, format!("more than {MAX_FIELDS} fields"));
        }
        for (name, field) in spec.fields.iter() {
            let at = at.field(name);
            if OWN.contains(&name) || !crate::encoding::is_name(name) {
                let message =
                    format!("{name:?} is a built-in field, or not a valid name: use letters, digits and `_`");
                self.compiler.problems.add(&at, message);
            }
            if let Some(field) = self.field(field, &at) {
                fields.push((name.into(), field));
            }
        }
        fields.into()
    }

    /// A line may hold any text, so that only fields with a bound are read as labels are.
    fn field(&mut self, spec: &LabelSpec, at: &At) -> Option<Field> {
        let label = match spec {
            LabelSpec::Short(text) => {
                &Label { source: Some(SourceSpec::Short(text.clone())), ..Label::default() }
            }
            LabelSpec::Long(label) => label,
        };
        if !has_bound(label) {
            if let Some(text) = free_text(label) {
                let attribute = self.text(text, at)?;
                return Some(Field::Text(attribute));
            }
            if let Label { response_header: Some(name), .. } = label {
                return self.response_header(name, &at.field("responseHeader")).map(Field::ResponseSource);
            }
            if let Label { end_property: Some(path), .. } = label {
                return self.end_property(path, &at.field("endProperty")).map(Field::ResponseSource);
            }
        }
        match self.label(spec, at)? {
            Compiled::Constant(text) => Some(Field::Constant(text)),
            Compiled::Read(position) => Some(Field::Reading(position)),
        }
    }

    fn text(&mut self, source: &SourceSpec, at: &At) -> Option<AttrId> {
        let attribute = self.compiler.source(source, at)?;
        self.no_secret(attribute, at)?;
        Some(attribute)
    }

    fn unit(&mut self, spec: &AccessLog, at: &At) -> Option<(Box<[AttrId]>, Signer)> {
        let unit = spec.unit.as_ref()?;
        let at = at.field("unit");
        let sources = self.units(&unit.source, &at.field("source"));
        let Some(secret) = &unit.secret else {
            let message = "is required: without a secret anyone could identify the unit by its hash";
            self.compiler.problems.missing(&at.field("secret"), message);
            return None;
        };
        let signer = Signer::compile(std::slice::from_ref(secret), self.compiler, &at.field("secret"))?;
        Some((sources, signer))
    }

    /// All experiments.
    fn logged_experiments(&self) -> Box<[(Box<str>, ExperimentId)]> {
        let keys = self.compiler.experiments().iter().map(|known| known.key.as_str());
        let named = keys.filter_map(|key| Some((key.into(), self.compiler.experiment_by_key(key)?.0)));
        named.collect()
    }
}

/// The source of a field that is any text of the request.
fn free_text(label: &Label) -> Option<&SourceSpec> {
    let source = label.source.as_ref()?;
    let word = if let SourceSpec::Short(word) = source { word.as_str() } else { "" };
    (!matches!(word, "method" | "path" | "route" | "code" | "codeClass" | "grpcStatus")).then_some(source)
}
