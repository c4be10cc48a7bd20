//! Holdouts and layers: shares of units with hashes of their own.

use crate::config::{Config, Experiment, Layer};
use crate::plan::{LayerSlot, Pool};
use weir_allocation::purpose;
use weir_allocation::sdk::{Algorithm, Assigner, Definition, Layout, Span};
use weir_core::problem::did_you_mean;
use weir_core::sort::sort_by;
use weir_core::table::TableId;
use weir_core::{At, Compiler, Table};

/// The pools of a section while it is compiled.
#[derive(Default)]
pub(super) struct Pools {
    pub(super) built: Vec<Pool>,
    layers: Vec<Building>,
    /// The names of `layers`.
    layer_names: Table<String>,
    /// The names of the holdouts, which are the first of `built`.
    holdouts: Table<String, u16>,
}

/// A layer whose experiments are still being collected.
struct Building {
    /// As its first experiment has it.
    spec: Layer,
    at: At,
    units: u16,
    members: Vec<Vec<Span>>,
    /// The ranges with their places, to report those that overlap.
    places: Vec<(At, Span)>,
}

impl Pools {
    /// Makes the section's holdouts.
    pub(super) fn of_holdouts(config: &Config, compiler: &mut Compiler<'_>, at: &At) -> Self {
        let mut pools = Self::default();
        let at = at.field("holdouts");
        for (i, holdout) in config.holdouts.iter().enumerate() {
            let at = at.index(i);
            compiler.check_name(&holdout.name, &at.field("name"));
            if !pools.holdouts.insert(holdout.name.clone()) {
                compiler.duplicate_name(&holdout.name, "holdout", &at.field("name"));
            }
            let seed = [&holdout.name, "/", purpose::HOLDOUT].concat();
            let definition = Definition {
                key: &holdout.name,
                seed: Some(&seed),
                coverage_seed: None,
                coverage: holdout.share.0,
                layout: Layout::Weights(&[1.0]),
            };
            match Assigner::new(Algorithm::Weir1, &definition) {
                Ok(assigner) => pools.built.push(Pool { name: holdout.name.as_str().into(), assigner }),
                Err(refused) => compiler.problems.add(&at.field("share"), refused.to_string()),
            }
        }
        if pools.holdouts.exceeded() {
            compiler.problems.add(&at, "more than 65535 holdouts");
        }
        pools
    }

    /// The positions of the holdouts that an experiment names.
    pub(super) fn holdouts(
        &self,
        experiment: &Experiment,
        compiler: &mut Compiler<'_>,
        at: &At,
    ) -> Box<[u16]> {
        let at = at.field("holdout");
        let mut found = Vec::new();
        for (i, name) in experiment.holdout.iter().enumerate() {
            match self.holdouts.find(&**name) {
                Some(position) => found.push(position),
                None if compiler.problems.is_full() => {}
                None => {
                    let at = if experiment.holdout.len() == 1 { at.clone() } else { at.index(i) };
                    let hint = did_you_mean(name, self.holdouts.items().iter().map(|name| &**name));
                    compiler.problems.add(&at, format!("unknown holdout {name:?}{hint}"));
                }
            }
        }
        found.into()
    }

    /// Puts an experiment into a layer.
    pub(super) fn join(
        &mut self,
        layer: &Layer,
        units: u16,
        compiler: &mut Compiler<'_>,
        at: &At,
    ) -> LayerSlot {
        compiler.check_name(&layer.name, &at.field("name"));
        if layer.ranges.is_empty() {
            let message = "specify this experiment's ranges of the layer, such as [[0, 0.5]]";
            compiler.problems.missing(&at.field("ranges"), message);
        }
        let index = self.layer_names.intern(&*layer.name);
        if index == self.layers.len() {
            let spec = layer.clone();
            self.layers.push(Building {
                spec,
                at: at.clone(),
                units,
                members: Vec::new(),
                places: Vec::new(),
            });
        }
        let member = self.layers.get_mut(index).map_or(0, |known| known.join(layer, units, compiler, at));
        let pool = self.holdouts.items().len() + index;
        if pool >= usize::from(u16::MAX) {
            compiler.problems.add(at, "more than 65535 holdouts and layers");
        }
        LayerSlot { pool: u16::of(pool), units, member }
    }

    /// Makes the layers, once all experiments have joined.
    pub(super) fn finish(mut self, compiler: &mut Compiler<'_>) -> Box<[Pool]> {
        for layer in self.layers {
            if layer.overlaps(compiler) {
                continue;
            }
            let algorithm =
                super::assignment::algorithm(layer.spec.hash.as_deref(), compiler, &layer.at.field("hash"));
            let seed = [&layer.spec.name, "/", purpose::LAYER].concat();
            let definition = Definition {
                key: &layer.spec.name,
                seed: Some(layer.spec.seed.as_deref().unwrap_or(&seed)),
                coverage_seed: None,
                coverage: 1.0,
                layout: Layout::Ranges(&layer.members),
            };
            match Assigner::new(algorithm, &definition) {
                Ok(assigner) => self.built.push(Pool { name: layer.spec.name.into(), assigner }),
                Err(refused) => compiler.problems.missing(&layer.at, refused.to_string()),
            }
        }
        self.built.into()
    }
}

impl Building {
    /// Adds an experiment's ranges; returns which member it is.
    fn join(&mut self, layer: &Layer, units: u16, compiler: &mut Compiler<'_>, at: &At) -> usize {
        if layer.hash != self.spec.hash || layer.seed != self.spec.seed {
            let message = format!("layer {:?} has another hash or seed in an earlier experiment", layer.name);
            compiler.problems.add(at, message);
        }
        if units != self.units {
            let message = format!(
                "layer {:?} has another unit in an earlier experiment: only among the same units do they \
                 exclude each other",
                layer.name
            );
            compiler.problems.add(&at.field("unit"), message);
        }
        let mut spans = Vec::new();
        for (i, [start, end]) in layer.ranges.iter().enumerate() {
            let (at, span) = (at.field("ranges").index(i), Span::new(start.0, end.0));
            if span.start >= span.end {
                compiler.problems.add(&at, "a range must start below its end");
                continue;
            }
            self.places.push((at, span));
            spans.push(span);
        }
        self.members.push(spans);
        self.members.len() - 1
    }

    /// Whether ranges overlap, which is reported where the later one stands.
    fn overlaps(&self, compiler: &mut Compiler<'_>) -> bool {
        let mut any = false;
        let mut sorted: Vec<(usize, &(At, Span))> = self.places.iter().enumerate().collect();
        sort_by(&mut sorted, |(a, (_, x)), (b, (_, y))| (x.start, *a) < (y.start, *b));
        // Of those that start before, the one that reaches furthest.
        let mut furthest: Option<(usize, &(At, Span))> = None;
        for (position, place) in sorted {
            if let Some((other, before)) = furthest
                && place.1.start < before.1.end
            {
                let (early, late) = if other < position { (before, place) } else { (place, before) };
                let message = format!("overlaps {}: experiments in a layer cannot share units", early.0);
                compiler.problems.add(&late.0, message);
                any = true;
            }
            if furthest.is_none_or(|(_, before)| before.1.end < place.1.end) {
                furthest = Some((position, place));
            }
        }
        any
    }
}
