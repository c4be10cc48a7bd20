// Asks flagd's evaluator for our units. generate.sh says with which versions of it.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"
	"go.uber.org/zap"
)

const letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
const noAnswer = '!'

type configuration struct {
	Key string `json:"key"`
	// What stands before the unit where that is not the flag's key: then the operator's first element says so.
	Seed     *string        `json:"seed,omitempty"`
	Weights  []int          `json:"weights,omitempty"`
	Ranges   [][][2]float64 `json:"ranges,omitempty"`
	Assigned string         `json:"assigned"`
}

func text(value string) *string { return &value }

func equal(count int) []int {
	weights := make([]int, count)
	for index := range weights {
		weights[index] = 1
	}
	return weights
}

func configurations() []configuration {
	layouts := []configuration{
		{Weights: []int{50, 50}},
		{Weights: []int{90, 10}},
		{Weights: []int{1, 1, 1}},
		{Weights: []int{333, 333, 334}},
		{Weights: []int{1, 999_998, 1}},
		{Weights: []int{0, 7, 0}},
		{Weights: []int{13, 29, 31, 7}},
		{Weights: []int{2_147_483_640, 7}},
		{Weights: []int{1_073_741_823, 1_073_741_824}},
		{Weights: equal(7)},
		{Weights: equal(61)},
		{Ranges: [][][2]float64{{{0, 0.1}, {0.5, 0.6}}, {{0.2, 0.5}}}},
	}
	seeds := []configuration{
		{Key: "checkout-button"},
		{Key: "größe-実験-🚦"},
		{Key: "checkout-button", Seed: text("")},
		{Key: "checkout-button", Seed: text("phase-2/")},
	}
	var all []configuration
	for number, seed := range seeds {
		for index, layout := range layouts {
			if number == 0 || index%3 == 2 {
				layout.Key, layout.Seed = seed.Key, seed.Seed
				all = append(all, layout)
			}
		}
	}
	return all
}

// The operator's distributions: names of variants with weights, in order. "none" is for what no range has.
func distributions(it configuration) []any {
	var list []any
	for variant, weight := range it.Weights {
		list = append(list, []any{strconv.Itoa(variant), weight})
	}
	if it.Ranges == nil {
		return list
	}
	// The ranges above, side by side.
	for _, piece := range []struct {
		variant string
		weight  int
	}{{"0", 100_000}, {"none", 100_000}, {"1", 300_000}, {"0", 100_000}, {"none", 400_000}} {
		list = append(list, []any{piece.variant, piece.weight})
	}
	return list
}

func flags(it configuration) string {
	rule := distributions(it)
	account := map[string]any{"var": "account"}
	switch {
	case it.Seed == nil:
	case *it.Seed == "":
		rule = append([]any{account}, rule...)
	default:
		rule = append([]any{map[string]any{"cat": []any{*it.Seed, account}}}, rule...)
	}
	variants := map[string]string{"none": "none"}
	for variant := range max(len(it.Weights), len(it.Ranges)) {
		variants[strconv.Itoa(variant)] = strconv.Itoa(variant)
	}
	flag := map[string]any{
		"state":          "ENABLED",
		"variants":       variants,
		"defaultVariant": "none",
		"targeting":      map[string]any{"fractional": rule},
	}
	return encode(map[string]any{"flags": map[string]any{it.Key: flag}})
}

func assign(it configuration, units []string) string {
	log := logger.NewLogger(zap.NewNop(), false)
	json := evaluator.NewJSON(log, store.NewFlags())
	if err := json.SetState(sync.DataSync{FlagData: flags(it), Source: "vectors"}); err != nil {
		panic(err)
	}
	var assigned strings.Builder
	for _, unit := range units {
		if it.Seed != nil && strings.TrimSpace(unit) != unit {
			// The JSONLogic library trims what it concatenates: another unit comes to the operator.
			assigned.WriteByte(noAnswer)
			continue
		}
		attributes := map[string]any{"targetingKey": unit, "account": unit}
		value, _, _, _, err := json.ResolveStringValue(context.Background(), "", it.Key, attributes)
		if err != nil {
			panic(err)
		}
		if index, err := strconv.Atoi(value); err == nil {
			assigned.WriteByte(letters[index])
		} else {
			assigned.WriteByte('-')
		}
	}
	return assigned.String()
}

// The units in the order of the file; long ones are written as a text and how often it is repeated.
func readUnits(path string) (units []string) {
	content, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	var list []any
	if err := json.Unmarshal(content, &list); err != nil {
		panic(err)
	}
	for _, it := range list {
		if pair, ok := it.([]any); ok {
			units = append(units, strings.Repeat(pair[0].(string), int(pair[1].(float64))))
		} else {
			units = append(units, it.(string))
		}
	}
	return units
}

func encode(value any) string {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic(err)
	}
	return strings.TrimSpace(buffer.String())
}

func main() {
	algorithm, sdk, unitsPath, output := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	units := readUnits(unitsPath)
	var rows []string
	for _, it := range configurations() {
		it.Assigned = assign(it, units)
		rows = append(rows, encode(it))
	}
	head := fmt.Sprintf("{\"algorithm\": %q,\n\"sdk\": %q,\n\"configurations\": [\n", algorithm, sdk)
	if err := os.WriteFile(output, []byte(head+strings.Join(rows, ",\n")+"\n]}\n"), 0o644); err != nil {
		panic(err)
	}
	fmt.Printf("%s: %d configurations of %s\n", algorithm, len(rows), sdk)
}
