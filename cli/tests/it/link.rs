//! `weir link`.

use crate::support::{Folder, Run, weir, weir_in, weir_with};

const KEY: &str = "another secret for testers";
const CONFIG: &str = "
experiments:
  unit: header:x-user-id
  overrides: {query: weir, header: x-weir-override, secret: {env: WEIR_TESTERS}}
  list:
  - {key: checkout, variants: [{key: control, weight: 50}, {key: one-page, weight: 50}]}
  - {key: search.1, flag: search, variants: [{key: new, weight: 1}]}
  - {key: old, status: draft, variants: [{key: x, weight: 1}]}
";

fn link(folder: &Folder, arguments: &[&str]) -> Run {
    let file = folder.write("shop.yaml", CONFIG);
    weir_in(&[&["link", &file], arguments].concat(), &[("WEIR_TESTERS", KEY)])
}

#[test]
fn a_link_is_an_address_with_a_signed_choice() {
    let folder = Folder::new();
    let run = link(
        &folder,
        &[
            "checkout=one-page",
            "--url",
            "https://shop.example.com/cart?lang=de",
            "--expires",
            "2099-12-31T00:00:00Z",
        ],
    );
    // python3 -c "import hmac; print(hmac.new(b'another secret for testers', b'override\0checkout=one-page~4102358400', 'sha256').hexdigest()[:32])"
    let expected = "https://shop.example.com/cart?lang=de&weir=checkout=one-page~4102358400~f45f872d2a6ce58f0094a027c9b0ca2a\n";
    assert_eq!((run.out.as_str(), run.code), (expected, 0), "{run:?}");
    assert!(run.err.contains("overrides.session"), "{run:?}");
    let json =
        link(&folder, &["checkout=one-page", "search=new", "--expires", "never", "--output", "json"]).json();
    assert_eq!(
        (&json["place"], &json["name"], &json["expires"]),
        (&"query".into(), &"weir".into(), &serde_json::Value::Null)
    );
    assert!(json["link"].as_str().unwrap().starts_with("?weir=checkout=one-page,search=new~"), "{json}");
}

#[test]
fn a_link_does_what_weir_assign_says() {
    let folder = Folder::new();
    let file = folder.write("shop.yaml", CONFIG);
    let link = link(&folder, &["checkout=one-page", "--url", "/cart"]).out;
    let assign = |path: &str| {
        let arguments = ["assign", &file, "--all", "--output", "json", "--unit", "user-6", "--path", path];
        weir_in(&arguments, &[("WEIR_TESTERS", KEY)]).json()
    };
    let decided = assign(link.trim_end());
    assert_eq!(decided["experiments"][0]["variant"], "one-page", "{decided}");
    assert_eq!(decided["path"], "/cart", "{decided}");
    let changed = assign(&link.trim_end().replace("one-page", "control~"));
    assert!(changed["counts"].to_string().contains("weir_overrides_refused_total"), "{changed}");
}

#[test]
fn what_there_is_not_is_refused() {
    let folder = Folder::new();
    for (arguments, message) in [
        (&["chekout=one-page"][..], "unknown experiment \"chekout\", did you mean `checkout`?"),
        (&["checkout=onepage"], "unknown variant \"onepage\" of checkout, did you mean `one-page`?"),
        (&["checkout"], "expected EXPERIMENT=VARIANT"),
        (&["checkout=control", "checkout=one-page"], "chosen twice"),
        (&["checkout=control", "--expires", "soon"], "expected 8h, 7d, RFC 3339, or never"),
        (&["checkout=control", "--expires", "2020-01-01T00:00:00Z"], "expired already"),
        (&["checkout=control", "--url", "shop.test"], "--url: invalid address"),
        (
            &["checkout=control", "--key-env", "NOT_SET_ANYWHERE"],
            "--key-env: this environment variable is not set",
        ),
    ] {
        let run = link(&folder, arguments);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{arguments:?} {run:?}");
        assert!(run.err.contains(message), "{arguments:?} {run:?}");
    }
    let draft = link(&folder, &["old=x"]);
    assert!(draft.code == 0 && draft.err.contains("note: old is a draft"), "{draft:?}");
    let none = weir_with(&["link", "-", "a=b"], "experiments: {list: [{key: a, variants: [{key: b}]}]}\n");
    assert!(none.code == 2 && none.err.contains("no `experiments.overrides`"), "{none:?}");
}

#[test]
fn the_key_comes_from_a_file_or_a_variable_and_is_never_shown() {
    let folder = Folder::new();
    let config = folder.write("shop.yaml", CONFIG);
    let env = folder.write("proxy.env", &format!("WEIR_TESTERS={KEY}\n"));
    let key = folder.write("testers.key", &format!("{KEY}\r\n"));
    let other = folder.write("other.key", "some key of another house");
    let short = folder.write("short.key", "hush-hush");
    let with = |arguments: &[&str]| {
        weir(&[&["link", &config, "checkout=control", "--expires", "never"], arguments].concat())
    };
    let (one, two) = (with(&["--env", &env]), with(&["--key-file", &key]));
    assert_eq!((one.code, &one.out), (0, &two.out), "{one:?} {two:?}");
    assert!(with(&[]).err.contains("is not set here"), "{:?}", with(&[]));
    let wrong = with(&["--env", &env, "--key-file", &other]);
    assert!(wrong.code == 2 && wrong.err.contains("none of `overrides.secret`"), "{wrong:?}");
    let short = with(&["--key-file", &short]);
    assert!(short.code == 2 && short.err.contains("use at least 16 bytes"), "{short:?}");
    let shown = with(&["--key-env", KEY]);
    assert_eq!(shown.code, 2);
    for run in [one, two, wrong, short, shown] {
        let said = run.out + &run.err;
        assert!(
            !said.contains("secret for testers") && !said.contains("another house") && !said.contains("hush"),
            "{said}"
        );
    }
}
