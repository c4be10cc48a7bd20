//! The codes of warnings. A code keeps its meaning from one version to the next; docs/warnings.md has a section for
//! each.

/// A kind of warning.
#[derive(Debug)]
pub struct Code {
    /// `W12`.
    pub id: &'static str,
    /// A name for programs that show one.
    pub name: &'static str,
    /// What it is about, in a line.
    pub summary: &'static str,
}

/// The page, and the section of a code in it.
pub fn page(id: &str) -> String {
    format!("docs/warnings.md#{}", id.to_ascii_lowercase())
}

const fn code(id: &'static str, name: &'static str, summary: &'static str) -> Code {
    Code { id, name, summary }
}

/// All of them.
pub static CODES: [Code; 22] = [
    code("W01", "SharedDraw", "Two pools divide the same units by one draw"),
    code("W02", "UnusedHoldout", "A holdout that no experiment names"),
    code("W03", "PausedWithoutSticky", "A paused experiment without sticky assignments"),
    code("W04", "EarlyWinner", "A winner of an experiment that has not ended"),
    code("W05", "EndedExperiment", "A rule that follows an experiment which has ended without a winner"),
    code("W06", "UnmetTest", "A test that no request passes"),
    code("W07", "UnusableKey", "A local key that verifies nothing"),
    code("W08", "ForgeableAddress", "An address that clients can choose decides about protection"),
    code("W09", "SharedHeader", "Two plugins remove each other's headers"),
    code("W10", "OddWeights", "Weights whose sum is not 100"),
    code("W11", "UnreachableRule", "A rule that no request reaches"),
    code("W12", "NoMode", "A plugin without a mode runs twice in each hop"),
    code("W13", "NoDigest", "A module that is not pinned by a digest"),
    code("W14", "SchemeOfImage", "An image of Envoy Gateway with a scheme"),
    code("W15", "FailOpenWithTokens", "Requests pass without a token while the plugin cannot run"),
    code("W16", "UnreachableRoute", "A route that a general route before it hides"),
    code("W17", "ModuleWithoutFilter", "A module without the filter that is configured"),
    code("W18", "LateTokens", "Tokens are verified after Istio's authorization"),
    code("W19", "IdleAtWaypoint", "A plugin that a waypoint does not run"),
    code("W20", "RoutingAtCallee", "Routing where there is one route only"),
    code("W21", "UselessComment", "A comment that silences nothing, or gives no reason"),
    code("W22", "ReadableSecret", "A secret in a resource that many can read"),
];
