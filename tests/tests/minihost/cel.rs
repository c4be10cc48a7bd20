//! CEL as the module sees it: an expression compiled once, asked for when a rule reaches it, and a host that
//! fails. Envoy's own CEL is in the case files (`ab-routing/connection.yaml`).

use std::cell::RefCell;
use std::rc::Rc;

use weir_tests::minihost::{ConfigureError, Module, Options, Plugin, Request, Response, Status, Vm};

const CONFIG: &str = r#"{"routing": {"rules": [
  {"name": "both", "match": {"uri": {"prefix": "/asked"}}, "cel": "expression", "setHeaders": {"x-rule": "both"}},
  {"name": "again", "match": {"uri": {"prefix": "/again"}}, "cel": "expression", "setHeaders": {"x-rule": "again"}}
]}}"#;
const TOKEN: u32 = 7;

type Calls = Rc<RefCell<Vec<String>>>;

/// A VM whose host compiles every expression but `broken`, and answers with `verdict`.
fn vm(verdict: &'static [u8]) -> (Vm, Calls) {
    let module = Module::from_file(&weir_tests::paths::module("ab_routing").unwrap()).unwrap();
    let vm = module.start(&Options::default()).unwrap();
    let calls = Calls::default();
    let noted = Rc::clone(&calls);
    vm.on_foreign_function(Box::new(move |name, argument| {
        noted.borrow_mut().push(name.to_owned());
        match name {
            "expr_create" if argument == b"broken" => Some(Err(Status::BadArgument)),
            "expr_create" => Some(Ok(TOKEN.to_le_bytes().to_vec())),
            "expr_evaluate" if argument == TOKEN.to_le_bytes() => Some(Ok(verdict.to_vec())),
            _ => None,
        }
    }));
    (vm, calls)
}

fn rule(plugin: &Plugin, path: &str) -> Option<String> {
    let exchange = plugin.exchange(Request::get(path), Response::status(200)).unwrap();
    let upstream = exchange.upstream.unwrap();
    upstream.headers.first(b"x-rule").map(|value| String::from_utf8_lossy(value).into_owned())
}

#[test]
fn an_expression_is_compiled_once_and_evaluated_when_a_rule_comes_to_it() {
    let (vm, calls) = vm(&[1]);
    let plugin = vm.configure(CONFIG).unwrap();
    assert_eq!(calls.take(), ["expr_create"]);
    assert_eq!(rule(&plugin, "/other"), None);
    assert_eq!(calls.take(), Vec::<String>::new());
    assert_eq!(rule(&plugin, "/asked").as_deref(), Some("both"));
    assert_eq!(rule(&plugin, "/again").as_deref(), Some("again"));
    assert_eq!(calls.take(), ["expr_evaluate", "expr_evaluate"]);
}

#[test]
fn anything_but_true_is_no_match() {
    for verdict in [&[0][..], &[], &[2], &[1, 0], b"true"] {
        let (vm, _) = vm(verdict);
        let plugin = vm.configure(CONFIG).unwrap();
        assert_eq!(rule(&plugin, "/asked"), None, "{verdict:?}");
    }
}

#[test]
fn an_expression_that_the_host_refuses_is_a_problem_with_its_place() {
    let (vm, _) = vm(&[1]);
    match vm.configure(&CONFIG.replacen("expression", "broken", 1)) {
        Err(ConfigureError::Refused(log)) => {
            let log = log.iter().map(ToString::to_string).collect::<String>();
            assert!(log.contains("1 problem(s)") && log.contains("routing.rules[0].cel: "), "{log}");
        }
        Err(ConfigureError::Trap(trap)) => panic!("{trap}"),
        Ok(_) => panic!("accepted"),
    }
}
