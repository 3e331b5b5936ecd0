package steps

import "strings"

// readable turns the pattern of a sentence into what somebody reads: an object
// is REF, a number N, anything else …; optional parts stand in brackets.
func readable(pattern string) string {
	text := strings.NewReplacer(
		ref, "REF",
		object, `KIND "NAME"`,
		count, "N",
		`([A-Z]\w+?)s?`, "KIND", `([A-Z]\w+)`, "KIND", `([A-Z]\w+?)`, "KIND", `that [A-Z]\w+`, "that KIND",
		`"([^"]+)"`, `"…"`, `"([^"]*)"`, `"…"`, `([a-z-]+)`, "LINK",
		`(\d{3})`, "CODE", `([A-Za-z ]+?)`, "…", `([A-Za-z ]+)`, "…", `(\S+)`, "FIELD", `(.+)`, "…", `([A-Z]+)`, "METHOD",
	).Replace(strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), ":?$"))
	return brackets(text)
}

// brackets writes (?:…)? as […], (?:…) as (…) and x? as [x].
func brackets(text string) string {
	var out strings.Builder
	var open []int
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "(?:"):
			open = append(open, out.Len())
			out.WriteByte('(')
			i += 2
		case text[i] == '(':
			open = append(open, out.Len())
			out.WriteByte('(')
		case text[i] == ')' && len(open) > 0:
			start := open[len(open)-1]
			open = open[:len(open)-1]
			if i+1 < len(text) && text[i+1] == '?' {
				inner := out.String()
				out.Reset()
				out.WriteString(inner[:start] + "[" + inner[start+1:] + "]")
				i++
				continue
			}
			out.WriteByte(')')
		case i+1 < len(text) && text[i+1] == '?':
			out.WriteString("[" + text[i:i+1] + "]")
			i++
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String()
}
