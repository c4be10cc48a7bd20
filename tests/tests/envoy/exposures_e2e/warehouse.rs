//! A warehouse: the statements of docs/exposures.md, run by DuckDB over rows that Envoy has logged.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use weir_tests::paths;

/// Runs each statement, and prints the rows of each as JSON.
const PROGRAM: &str = "
import duckdb, json, sys
connection = duckdb.connect()
for statement in json.load(open(sys.argv[1])):
    if statement.startswith('create'):
        connection.execute(statement)
        rows = []
    else:
        # Times with a zone would need another package in Python.
        rows = connection.execute(f'select columns(*)::varchar from ({statement})').fetchall()
    print(json.dumps(rows))
";

/// The blocks of SQL on the page, in order.
fn statements() -> Vec<String> {
    let page = std::fs::read_to_string(paths::root().join("docs/exposures.md")).unwrap();
    let blocks = page.split("```sql\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().trim().trim_end_matches(';').to_owned()).collect()
}

/// Where DuckDB's Python package is.
fn package() -> PathBuf {
    let mut script = Command::new(paths::root().join("scripts/duckdb"));
    let output = script.arg("path").stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "scripts/duckdb has said above what is missing");
    String::from_utf8(output.stdout).unwrap().trim().into()
}

/// What GrowthBook makes of the rows of its assignment query: the variations that each unit has, and when it had each
/// first. A unit with several is in none.
const GROWTHBOOK: &str = "
select variation, count(*) from (
  select unit, case when count(distinct variation_id) > 1 then '__multiple__' else max(variation_id) end as variation,
         min(timestamp) as first_exposure
  from (select unit_id as unit, timestamp, experiment_id, variation_id from exposures) assignments
  where experiment_id = 'checkout' group by unit
) group by variation order by variation";

/// Units by experiment and variant, of all rows; and those of `checkout` as GrowthBook counts them.
pub(super) struct Found {
    pub(super) units: BTreeMap<(String, String), f64>,
    pub(super) growthbook: BTreeMap<String, f64>,
    /// How many rows its two queries have, of users and of visitors.
    pub(super) users: usize,
    pub(super) visitors: usize,
}

pub(super) fn load(rows: &[Value]) -> Found {
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("exposures.json");
    let lines: Vec<String> = rows.iter().map(Value::to_string).collect();
    std::fs::write(&file, lines.join("\n")).unwrap();
    let statements = statements();
    assert_eq!(statements.len(), 4, "{statements:?}");
    let own = file.to_str().unwrap();
    let mut statements: Vec<String> = statements.iter().map(|it| it.replace("exposures.json", own)).collect();
    assert!(statements[0].contains(own), "the page loads another file");
    statements.push(GROWTHBOOK.to_owned());
    let list = work.path().join("statements");
    std::fs::write(&list, serde_json::to_string(&statements).unwrap()).unwrap();
    let output = Command::new("python3")
        .env("PYTHONPATH", package())
        .args(["-c", PROGRAM])
        .arg(&list)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let results: Vec<Vec<Vec<String>>> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [_, units, users, visitors, growthbook] = &results[..] else { panic!("{text}") };
    let key = |row: &Vec<String>| ((row[0].clone(), row[1].clone()), row[2].parse().unwrap());
    Found {
        units: units.iter().map(key).collect(),
        growthbook: growthbook.iter().map(|row| (row[0].clone(), row[1].parse().unwrap())).collect(),
        users: users.len(),
        visitors: visitors.len(),
    }
}
