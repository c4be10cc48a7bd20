// Puts the answers of flagd's core in Go, which the daemon runs, beside those of its core in Python where they differ.
// fuzz.sh says with which version of it. Reads cases from standard input, a line each, and writes them.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/open-feature/flagd/core/pkg/evaluator"
	"github.com/open-feature/flagd/core/pkg/logger"
	"github.com/open-feature/flagd/core/pkg/store"
	"github.com/open-feature/flagd/core/pkg/sync"
	"go.uber.org/zap"
)

type made struct {
	Name        string           `json:"name"`
	Definitions json.RawMessage  `json:"definitions"`
	Contexts    []map[string]any `json:"contexts"`
	Answers     map[string][]any `json:"answers"`
}

// Null, or the text.
func text(value *string) any {
	if value == nil {
		return nil
	}
	return *value
}

func main() {
	log := logger.NewLogger(zap.NewNop(), false)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	same, others := 0, 0
	for lines.Scan() {
		var it made
		if err := json.Unmarshal(lines.Bytes(), &it); err != nil {
			panic(err)
		}
		core := evaluator.NewJSON(log, store.NewFlags())
		if err := core.SetState(sync.DataSync{FlagData: string(it.Definitions), Source: "made"}); err != nil {
			panic(fmt.Errorf("%s: %w", it.Name, err))
		}
		for flag, answers := range it.Answers {
			for index, given := range it.Contexts {
				_, variant, _, _, err := core.ResolveStringValue(context.Background(), "", flag, given)
				var answer *string
				if err == nil && variant != "" {
					answer = &variant
				}
				if fmt.Sprint(text(answer)) == fmt.Sprint(answers[index]) {
					same++
				} else {
					others++
					answers[index] = map[string]any{"differ": []any{answers[index], text(answer)}}
				}
			}
		}
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(it); err != nil {
			panic(err)
		}
		out.Write(line.Bytes())
	}
	fmt.Fprintf(os.Stderr, "%d answers of both cores are the same, %d are not\n", same, others)
}
