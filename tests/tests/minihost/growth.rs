//! What a long configuration costs a request: nearly nothing, in fuel.

use std::collections::BTreeMap;

use weir_tests::growth::KINDS;
use weir_tests::minihost::Module;

/// A request is asked about the rules, experiments and faults only that can be for it.
#[test]
fn a_request_costs_nearly_the_same_with_a_thousand_rules_as_with_ten() {
    let mut modules = BTreeMap::new();
    for kind in KINDS {
        let Some(more) = kind.more else { continue };
        let module = modules
            .entry(kind.module)
            .or_insert_with(|| Module::from_file(&weir_tests::paths::module(kind.module).unwrap()).unwrap());
        let [one, ten, hundred, many] = [1, 10, 100, 1000].map(|count| kind.cost(module, count));
        let all = format!("{}: {one} {ten} {hundred} {many} with 1, 10, 100 and 1,000", kind.name);
        eprintln!("{all}");
        // Without an index, each rule costs a hundred at least, each that is not about a header a thousand, each fault
        // and each experiment some hundreds.
        assert!(many < one + more && many <= 3 * hundred, "{all}");
    }
}
