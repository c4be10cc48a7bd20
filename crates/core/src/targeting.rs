//! Which requests something is for: the vocabulary that all sections share.

use crate::compile::Compiler;
use crate::condition;
use crate::http_match::HttpMatch;
use crate::load::Load;
use crate::ordered_map::OrderedMap;
use crate::predicate::Predicate;
use crate::problem::At;
use serde::Serialize;

/// Which requests: all that is given must hold. The members of every object that chooses requests.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Targeting {
    /// Which requests: Istio's HTTPMatchRequest, or a list of them of which one must match. Default: not restricted.
    #[load(one_or_many)]
    #[serde(rename = "match", skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "schema", schemars(with = "crate::load::OneOrMany<HttpMatch>"))]
    pub http_match: Vec<HttpMatch>,
    /// Which requests: a GrowthBook condition over attributes. Default: not restricted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Box<serde_json::Value>>,
    /// Which requests: a CEL expression over Envoy's attributes, which the proxy evaluates. Default: not restricted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cel: Option<String>,
}

impl Targeting {
    /// Whether nothing is given, which is all requests.
    pub fn is_empty(&self) -> bool {
        self.http_match.is_empty() && self.condition.is_none() && self.cel.is_none()
    }

    /// That a request is one of them. `at` is the object that has the members.
    pub fn compile(&self, compiler: &mut Compiler<'_>, at: &At) -> Predicate {
        let mut all = Vec::new();
        all.extend(self.compile_match(compiler, at));
        all.extend(self.compile_condition(compiler, at));
        all.extend(self.compile_cel(compiler, at));
        Predicate::all(all)
    }

    /// The same where everybody would be too many: that nothing is given is a problem.
    pub fn compile_required(&self, compiler: &mut Compiler<'_>, at: &At) -> Predicate {
        if self.is_empty() {
            compiler.problems.missing(at, "specify match, condition or cel");
        }
        self.compile(compiler, at)
    }

    /// That one of the entries of `match` matches, if there are any.
    pub fn compile_match(&self, compiler: &mut Compiler<'_>, at: &At) -> Option<Predicate> {
        let at = at.field("match");
        let entries = self.http_match.iter().enumerate();
        let entries: Vec<Predicate> = entries.map(|(i, m)| m.compile(compiler, &at.index(i))).collect();
        (!entries.is_empty()).then(|| Predicate::any(entries))
    }

    /// That the condition holds, if there is one.
    pub fn compile_condition(&self, compiler: &mut Compiler<'_>, at: &At) -> Option<Predicate> {
        let json = self.condition.as_ref()?;
        let condition = condition::compile(json, compiler, &at.field("condition"));
        Some(Predicate::Condition(Box::new(condition)))
    }

    /// That the CEL expression holds, if there is one that can be evaluated.
    pub fn compile_cel(&self, compiler: &mut Compiler<'_>, at: &At) -> Option<Predicate> {
        compiler.cel(self.cel.as_ref()?, &at.field("cel")).map(Predicate::Cel)
    }
}

/// One variant of an experiment, or a list of alternatives.
#[derive(Clone, Debug, Default, Load, Serialize, PartialEq)]
#[serde(transparent)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AnyVariant(
    #[load(one_or_many)]
    #[cfg_attr(feature = "schema", schemars(with = "crate::load::OneOrMany<String>"))]
    pub Vec<String>,
);

/// That a request has the variants of a member `variant`, one predicate for each experiment. `at` is the object that
/// has the member.
pub fn has_variants(
    variants: &OrderedMap<AnyVariant>,
    compiler: &mut Compiler<'_>,
    at: &At,
) -> Vec<Predicate> {
    let at = at.field("variant");
    let each = variants.iter().map(|(experiment, any)| {
        let at = at.field(experiment);
        if any.0.is_empty() {
            compiler.problems.missing(&at, "name a variant, or a list of variants");
        }
        compiler.variant(experiment, &any.0, &at)
    });
    each.collect()
}
