package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// doubleDashes adds a second dash to each argument such as -json, whose flag has a name of
// more than one letter. Go's flag package accepts both forms; cobra would parse -json as the
// four flags j, s, o and n. The reverse holds for --n: both forms are -n.
func doubleDashes(root *cobra.Command, args []string) []string {
	root.InitDefaultHelpFlag()
	known := make(map[string]*pflag.Flag)
	learn := func(f *pflag.Flag) {
		known["--"+f.Name] = f
		if f.Shorthand != "" {
			known["-"+f.Shorthand] = f
		}
	}
	for _, command := range append(root.Commands(), root) {
		command.Flags().VisitAll(learn)
		command.PersistentFlags().VisitAll(learn)
	}

	doubled := make([]string, 0, len(args))
	isValue := false // the argument is the value of the flag before it
	for i, arg := range args {
		if arg == "--" && !isValue {
			return append(doubled, args[i:]...)
		}
		if isValue || !strings.HasPrefix(arg, "-") {
			doubled, isValue = append(doubled, arg), false
			continue
		}
		if rest, ok := strings.CutPrefix(arg, "--n"); ok && (rest == "" || rest[0] == '=') {
			arg = "-n" + rest // a flag of one letter, whose name is longer
		}
		name, _, hasValue := strings.Cut(arg, "=")
		f := known[name]
		if f == nil && len(name) > 2 && known["-"+name] != nil {
			f, arg = known["-"+name], "-"+arg
		}
		doubled = append(doubled, arg)
		isValue = f != nil && !hasValue && f.NoOptDefVal == ""
	}
	return doubled
}
