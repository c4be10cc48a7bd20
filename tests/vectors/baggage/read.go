// Reads headers from standard input, a list in JSON, as opentelemetry-go does.
package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"runtime/debug"

	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/propagation"
)

// bytes gives each character below U+0100 as the byte with the same number: Go's servers hold bytes.
func bytes(text string) string {
	out := make([]byte, 0, len(text))
	for _, c := range text {
		out = append(out, byte(c))
	}
	return string(out)
}

func main() {
	var headers []string
	if err := json.NewDecoder(os.Stdin).Decode(&headers); err != nil {
		panic(err)
	}
	read := make([]map[string]string, 0, len(headers))
	for _, header := range headers {
		carrier := propagation.HeaderCarrier(http.Header{"Baggage": {bytes(header)}})
		found := map[string]string{}
		for _, member := range baggage.FromContext(propagation.Baggage{}.Extract(context.Background(), carrier)).Members() {
			found[member.Key()] = member.Value()
		}
		read = append(read, found)
	}
	version := "go.opentelemetry.io/otel"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dep := range info.Deps {
			if dep.Path == version {
				version += " " + dep.Version
				break
			}
		}
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"version": version, "read": read})
}
