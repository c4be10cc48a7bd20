//! The recording in README: a terminal as SVG, with the text that the commands print.

use std::fmt::Write as _;
use std::fs;

use weir_tests::paths;

const FILE: &str = "docs/img/first-minute.svg";
const COMMAND: &str = "weir init --yes && weir run";
/// Sizes in pixels: a column of the font, a line, the space around the text, and the bar above it.
const COLUMN: f64 = 8.1;
const LINE: usize = 20;
const PAD: usize = 18;
const BAR: usize = 34;
/// When output begins, in seconds, and how long a line takes in the animation.
const TYPED: f64 = 1.6;
const STEP: f64 = 0.12;

/// Compares the recording with these lines, except for what is random; or writes it.
pub(super) fn hold(lines: &[String]) {
    let path = paths::root().join(FILE);
    if std::env::var_os("WEIR_WRITE_RECORDING").is_some() {
        fs::write(&path, svg(lines)).unwrap();
    }
    let recorded = text(&fs::read_to_string(path).unwrap());
    let expected: Vec<String> = recorded.iter().map(|line| without_chance(line)).collect();
    let printed: Vec<String> = lines.iter().map(|line| without_chance(line)).collect();
    assert_eq!(
        printed, expected,
        "{FILE} is not what the commands print: scripts/recording records them again"
    );
}

/// The line without ports, IDs, numbers of visitors, and the spaces that these need.
fn without_chance(line: &str) -> String {
    let mut words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    for word in &mut words {
        if let Some(start) = word.find("127.0.0.1:") {
            let start = start + "127.0.0.1:".len();
            let digits = word[start..].bytes().take_while(u8::is_ascii_digit).count();
            word.replace_range(start..start + digits, "PORT");
        }
        if let Some((name, _)) = word.split_once("weir-id=") {
            *word = format!("{name}weir-id=ID");
        }
        let number = word.strip_suffix(',').unwrap_or(word).trim_start_matches('+');
        if !number.is_empty() && number != "200" && number.bytes().all(|byte| byte.is_ascii_digit()) {
            *word = word.replace(number, "N");
        }
    }
    words.join(" ")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// The picture. Without animation all lines are there; with it they appear one after another, once.
fn svg(lines: &[String]) -> String {
    let columns = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0).max(COMMAND.len() + 2);
    let width = (columns as f64 * COLUMN).ceil() as usize + 2 * PAD;
    let height = BAR + (lines.len() + 1) * LINE + PAD;
    let mut out = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="title text">
<!-- Made by scripts/recording of what the commands print. -->
<title id="title">A terminal: {command}</title>
<desc id="text">The two commands write a configuration, and run it in Envoy with two sample services. Requests through Envoy go to the stable version and to the canary; each visitor gets a cookie, and goes to the same version again.</desc>
<style>
text {{ font: 13.5px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d6deeb; white-space: pre; }}
.command {{ fill: #ffffff; font-weight: 600; }}
.prompt {{ fill: #7fdbca; }}
.head {{ fill: #93a1b5; }}
.row {{ fill: #c5e478; }}
.result {{ fill: #7fdbca; }}
.quiet {{ fill: #93a1b5; }}
@media (prefers-reduced-motion: no-preference) {{
  text {{ animation: appear .01s linear both; }}
  .command {{ animation: type {TYPED}s steps({letters}) both; }}
}}
@keyframes appear {{ from {{ opacity: 0; }} }}
@keyframes type {{ from {{ clip-path: inset(-5px 100% -5px 0); }} to {{ clip-path: inset(-5px 0 -5px 0); }} }}
</style>
<rect width="{width}" height="{height}" rx="8" fill="#161b26"/>
<g fill="#3b4558"><circle cx="20" cy="17" r="5.5"/><circle cx="38" cy="17" r="5.5"/><circle cx="56" cy="17" r="5.5"/></g>
"##,
        command = escaped(COMMAND),
        letters = COMMAND.len(),
    );
    let y = |line: usize| BAR + (line + 1) * LINE - 6;
    let _ = writeln!(out, r#"<text class="prompt" x="{PAD}" y="{}">$</text>"#, y(0));
    let at = PAD as f64 + 2.0 * COLUMN;
    let _ = writeln!(out, r#"<text class="command" x="{at}" y="{}">{}</text>"#, y(0), escaped(COMMAND));
    let mut in_table = false;
    for (index, line) in lines.iter().enumerate() {
        in_table = !line.is_empty() && (in_table || line.starts_with("  status"));
        let class = match line {
            _ if line.starts_with("  status") => "head",
            _ if in_table => "row",
            _ if ["Sticky:", "Counted:", "         "].iter().any(|start| line.starts_with(start)) => "result",
            _ if line.starts_with("wrote") || line.starts_with("upstream") || line.starts_with("Envoy") => {
                "line"
            }
            _ => "quiet",
        };
        let delay = TYPED + STEP * (index + 1) as f64;
        let y = y(index + 1);
        let _ = writeln!(
            out,
            r#"<text class="output {class}" x="{PAD}" y="{y}" style="animation-delay:{delay:.2}s">{}</text>"#,
            escaped(line)
        );
    }
    out.push_str("</svg>\n");
    out
}

/// The lines of output in a picture.
fn text(svg: &str) -> Vec<String> {
    let lines = svg.lines().filter(|line| line.starts_with("<text class=\"output "));
    let lines = lines.filter_map(|line| line.split_once('>')?.1.strip_suffix("</text>"));
    lines.map(unescaped).collect()
}

#[test]
fn a_picture_has_the_text_that_it_was_made_of() {
    let lines = ["  a <b> & c", "", "Counted: x{y=\"z\"} +1"].map(str::to_owned);
    assert_eq!(text(&svg(&lines)), lines);
}

#[test]
fn what_is_chance_is_not_compared_and_all_else_is() {
    let same = |a: &str, b: &str| without_chance(a) == without_chance(b);
    assert!(same(
        "  200  GET /, visitor 7   cookie weir-id=ab…",
        "  200  GET /, visitor 12  cookie weir-id=cd…"
    ));
    assert!(same("at http://127.0.0.1:10000/stats?filter=weir", "at http://127.0.0.1:31/stats?filter=weir"));
    assert!(same(
        "Counted: requests to canary +2, requests to stable +12",
        "Counted: requests to canary +4, requests to stable +2"
    ));
    assert!(!same("  200  GET /", "  503  GET /"));
    assert!(!same("  200  stable", "  200  canary"));
    assert!(!same("at http://127.0.0.1:1/stats", "at http://127.0.0.1:1/other"));
}
