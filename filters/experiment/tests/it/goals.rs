//! What the cookie remembers of goals.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests stop where they fail")]

use crate::support::{Lab, NOW};
use weir_core::Remembered;
use weir_core::ids::ExperimentId;
use weir_core::table::TableId;

/// Three experiments; goals are the middle one's.
fn lab() -> Lab {
    let variants = r#"[{"key": "a", "weight": 50}, {"key": "b", "weight": 50}]"#;
    let one = |key: &str| format!(r#"{{"key": "{key}", "variants": {variants}}}"#);
    let list = ["before", "checkout", "checkout2"].map(one).join(", ");
    let cookie = r#""secret": {"env": "WEIR_SECRET"}, "assignmentCookie": {"name": "w"}"#;
    Lab::new(&format!(r#"{{"unit": "header:x-user-id", {cookie}, "list": [{list}]}}"#)).unwrap()
}

/// What a cookie has between its expiry and its signature.
fn entries(cookie: &str) -> Vec<u8> {
    cookie.split('~').nth(2).unwrap().as_bytes().to_vec()
}

tests! {
    fn goals_are_remembered_until_there_is_no_room() {
        let lab = lab();
        let first = lab.decide(&[("x-user-id", "ada")]);
        let variant = u16::from(first.variant("checkout") == Some("b"));
        let mut memory = entries(first.cookie("w").unwrap());
        let id = ExperimentId::of(1);
        let remember = |memory: &mut Vec<u8>, variant, goal: &str| lab.plan.remember(memory, id, variant, goal);
        assert_eq!(remember(&mut memory, 1 - variant, "order"), Remembered::Unable, "another variant was exposed");
        assert_eq!(remember(&mut Vec::new(), variant, "order"), Remembered::Unable, "nothing was exposed");
        let mut reached = 0;
        while remember(&mut memory, variant, &format!("goal-{reached}")) == Remembered::New {
            reached += 1;
        }
        assert!(reached > 100 && memory.len() <= 3000, "{reached} goals, {} bytes", memory.len());
        for goal in 0..=reached {
            let expected = if goal < reached { Remembered::Already } else { Remembered::Full };
            assert_eq!(remember(&mut memory, variant, &format!("goal-{goal}")), expected, "{goal}");
        }
        // The next request finds all of it, and has nothing to add.
        let mut response = Vec::new();
        lab.plan.set_memory(&memory, || NOW, &mut response);
        lab.plan.set_memory(&memory, || NOW, &mut response);
        assert_eq!(response.len(), 1, "the last one only");
        let set = String::from_utf8(response[0].value.to_vec()).unwrap();
        let cookie = set.split(';').next().unwrap();
        assert!(cookie.len() <= 3800, "{}", cookie.len());
        let again = lab.decide(&[("x-user-id", "ada"), ("cookie", cookie)]);
        assert_eq!((again.counts.len(), again.response.len()), (0, 0));
    }

    fn a_cookie_with_goals_has_room_for_assignments() {
        let lab = lab();
        let first = lab.decide(&[("x-user-id", "ada")]);
        let variant = u16::from(first.variant("checkout") == Some("b"));
        let whole = entries(first.cookie("w").unwrap());
        // As if the third experiment had come later.
        let mut memory: Vec<u8> = whole.split(|b| *b == b'/').take(2).collect::<Vec<_>>().join(&b'/');
        let goals = (0..).map(|goal: u32| goal.to_string());
        for goal in goals {
            if lab.plan.remember(&mut memory, ExperimentId::of(1), variant, &goal) != Remembered::New {
                break;
            }
        }
        let mut response = Vec::new();
        lab.plan.set_memory(&memory, || NOW, &mut response);
        let set = String::from_utf8(response[0].value.to_vec()).unwrap();
        let next = lab.decide(&[("x-user-id", "ada"), ("cookie", set.split(';').next().unwrap())]);
        assert_eq!(next.counts.len(), 1, "{:?}", next.counts);
        assert!(next.counts[0].starts_with("experiment=.=checkout2;") && next.counts[0].ends_with("weir_exposures_total"));
        let kept = entries(next.cookie("w").unwrap());
        assert!(kept.starts_with(&memory) && kept.len() > memory.len(), "goals are kept");
    }
}
