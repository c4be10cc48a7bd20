//! W09: conflicts between two plugins of one file.

use super::report::{Finding, Warned};
use crate::manifest::Plugin;
use crate::yaml::Node;
use weir_core::{AccessPlan, At};
use weir_pipeline::Plans;

/// For each plugin, in their order, which headers it and an earlier one take from each other. A file does not
/// say whether both serve the same requests.
pub(super) fn warnings(plugins: &[Plugin]) -> Vec<Vec<Warned>> {
    let shapes: Vec<Option<AccessPlan>> = match plugins {
        [] | [_] => Vec::new(),
        several => several.iter().map(|plugin| access_plan(plugin.configuration.as_ref()?)).collect(),
    };
    let of_plugin = |(index, plugin): (usize, &Plugin)| {
        let ours = shapes.get(index)?.as_ref()?;
        let earlier = plugins.iter().zip(&shapes).take(index);
        Some(earlier.filter_map(|(other, theirs)| warning(plugin, ours, other, theirs.as_ref()?)).collect())
    };
    plugins.iter().enumerate().map(|one| of_plugin(one).unwrap_or_default()).collect()
}

fn warning(plugin: &Plugin, ours: &AccessPlan, other: &Plugin, theirs: &AccessPlan) -> Option<Warned> {
    let mut names = ours.clashes(theirs);
    names.extend(theirs.clashes(ours).into_iter().filter(|name| !names.contains(name)).collect::<Vec<_>>());
    names.sort_unstable();
    let first = names.first()?;
    let more = match names.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let message = format!(
        "`{first}`{more} belongs to the plugin of line {} too: where both serve a request, the later one removes what \
         the earlier one wrote; give both `ownership: {{shared: true}}`",
        other.at.line
    );
    let at = At::root();
    let mark = plugin.configuration.as_ref().map_or(plugin.at, |node| node.locate(&at));
    Some(Warned { code: "W09", finding: Finding { at: mark, path: None, message } })
}

/// What a right configuration reads and writes.
fn access_plan(configuration: &Node) -> Option<AccessPlan> {
    let bytes = configuration.to_json().to_string().into_bytes();
    let env = |_: &str| Some("as long as a secret has to be".to_owned());
    Plans::load(&bytes, &env).ok().map(|plans| plans.access_plan)
}
