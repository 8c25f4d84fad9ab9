package main

import (
	"bytes"
	"regexp"
	"strings"
)

// knowledge is what the generated functions of all files are.
type knowledge struct {
	scalar map[string]bool   // the functions that describe a scalar field
	sure   map[string]bool   // the functions that write a scalar and cannot fail
	object map[string]string // the functions that write an object given by value, and those that take its address
}

var (
	function  = regexp.MustCompile(`(?ms)^func ([^\s(]+)\(.*?^}\n`)
	byValue   = regexp.MustCompile(`(?s)sel ast\.SelectionSet, v [^)\n]*\) graphql\.Marshaler \{\n\treturn (_\w+)\(ctx, ec, sel, &v\)\n\}`)
	known     = regexp.MustCompile(`graphql\.Marshal(String|ID|Int|Boolean)\(|scalar\.Marshal\w+\(`)
	elements  = regexp.MustCompile(`ret\[i\] = (marshal[^\s(]+)\(ctx, ec, sel, v\[i\]\)`)
	collected = regexp.MustCompile(`fields := graphql\.CollectFields\((ec\.OperationContext, sel, \w+)\)`)
	inList    = regexp.MustCompile(`graphql\.MarshalSliceConcurrently\(ctx, len\(v\), 0, false, func\(ctx context\.Context, i int\) graphql\.Marshaler \{\n\t\tfc := graphql\.GetFieldContext\(ctx\)\n\t\tfc\.Result = &v\[i\]\n\t\treturn ([^\s(]+)\(ctx, ec, sel, v\[i\]\)`)
	children  = regexp.MustCompile(`(?s)\t\tChild: func\(.*?\n\t\t\},\n`)
	field     = regexp.MustCompile(`(?s)return graphql\.ResolveField\(\n(\t\tctx,\n\t\tec\.OperationContext,\n\t\tfield,\n)` +
		`(\t\tfunc\(ctx context\.Context, field graphql\.CollectedField\) \(\*graphql\.FieldContext, error\) \{\n\t\t\treturn (\w+)\(ctx, ec, field\)\n\t\t\},\n)` +
		`\t\tfunc\(ctx context\.Context\) \(any, error\) \{\n(.*?)\n\t\t\},\n` +
		`\t\tnil,\n` +
		`(\t\tfunc\(ctx context\.Context, selections ast\.SelectionSet, v (.*?)\) graphql\.Marshaler \{\n\t\t\treturn ([^\s(]+)\(ctx, ec, selections, v\)\n\t\t\},\n)` +
		`\t\ttrue,\n(\t\t(?:true|false),\n)\t\)`)
	uses  = regexp.MustCompile(`\brun\.[A-Z]\w*[(\[]`)
	roles = regexp.MustCompile(`\baccess\.Role\{`)
	guard = regexp.MustCompile(`\t\tfunc\(ctx context\.Context, next graphql\.Resolver\) graphql\.Resolver \{\n\t\t\tdirective0 := next\n\n` +
		`\t\t\tdirective1 := func\(ctx context\.Context\) \(any, error\) \{\n` +
		`\t\t\t\tanyone, err := [^\s(]+\(ctx, ec, (true|false)\)\n` + failing +
		`\t\t\t\troles, err := [^\s(]+\(ctx, ec, \[\]any\{(.*)\}\)\n` + failing +
		`\t\t\t\tpermissions, err := [^\s(]+\(ctx, ec, \[\]any\{(.*)\}\)\n` + failing +
		`\t\t\t\tif ec\.Directives\.Allow == nil \{\n.*\n.*\n\t\t\t\t\}\n` +
		`\t\t\t\treturn ec\.Directives\.Allow\(ctx, (?:nil|obj), directive0, anyone, roles, permissions\)\n` +
		`\t\t\t\}\n\n\t\t\tnext = directive1\n\t\t\treturn next\n\t\t\},\n`)
	args  = regexp.MustCompile(`fc\.Args, err = (field_\w+_args)\(ctx, ec, field\.ArgumentMap\(ec\.Variables\)\); err`)
	lying = regexp.MustCompile(`^\t\t\treturn (obj\.[^\n]*), nil$`)
)

// failing is what gqlgen writes after it has read an argument of a directive.
const failing = `\t\t\t\tif err != nil \{\n.*\n\t\t\t\t\treturn zeroVal, err\n\t\t\t\t\}\n`

// learn reads what every function is, over all files: they call each other.
func learn(files map[string][]byte) knowledge {
	k := knowledge{map[string]bool{}, map[string]bool{}, map[string]string{}}
	lists := map[string]string{}
	for _, file := range files {
		for _, found := range function.FindAllSubmatch(file, -1) {
			name, body := string(found[1]), found[0]
			mayBeNull := bytes.Contains(body, []byte("AddInvalidNullError"))
			if bytes.Contains(body, []byte("return graphql.NewScalarFieldContext(")) {
				k.scalar[name] = true
			}
			if m := byValue.FindSubmatch(body); m != nil {
				k.object[name] = string(m[1])
			}
			if !strings.HasPrefix(name, "marshal") || mayBeNull {
				continue
			}
			if m := elements.FindSubmatch(body); m != nil {
				lists[name] = string(m[1])
			} else if known.Match(body) {
				k.sure[name] = true
			}
		}
	}
	for list, element := range lists {
		if k.sure[element] {
			k.sure[list] = true
		}
	}
	return k
}

// slim rewrites one file.
func slim(text []byte, k knowledge) []byte {
	text = collected.ReplaceAll(text, []byte("plan := run.PlanOf(ctx, $1)\n\tfields := plan.Fields"))
	text = bytes.ReplaceAll(text, []byte("graphql.NewFieldSet(fields)"), []byte("run.NewSet(plan)"))
	text = bytes.ReplaceAll(text, []byte("deferred := graphql.NewDeferredGroup(ctx)"), []byte("var deferred graphql.DeferredGroup"))
	text = bytes.ReplaceAll(text, []byte("graphql.MarshalString("), []byte("run.Text("))
	text = bytes.ReplaceAll(text, []byte("graphql.MarshalID("), []byte("run.Text("))
	text = args.ReplaceAll(text, []byte("fc.Args, err = run.Args(ctx, field, func() (map[string]any, error) { return $1(ctx, ec, field.ArgumentMap(ec.Variables)) }); err"))
	text = children.ReplaceAll(text, nil)
	text = guard.ReplaceAll(text, []byte("\t\trun.Guard(ec.Directives.Allow, $1, []access.Role{$2}, []access.Permission{$3}),\n"))
	text = inList.ReplaceAllFunc(text, func(list []byte) []byte {
		element := string(inList.FindSubmatch(list)[1])
		start := "run.List(ctx, len(v), func(ctx context.Context, i int) graphql.Marshaler {\n\t\treturn "
		if object := k.object[element]; object != "" {
			return []byte(start + object + "(ctx, ec, sel, &v[i])")
		}
		return []byte(start + element + "(ctx, ec, sel, v[i])")
	})
	text = function.ReplaceAllFunc(text, func(one []byte) []byte {
		return field.ReplaceAllFunc(one, func(call []byte) []byte { return slimField(call, k) })
	})
	return imported(text)
}

// slimField makes a field without a directive resolve by run: a scalar in the object
// as Leaf, what else lies in the object as Value, what is asked for as Resolved.
func slimField(call []byte, k knowledge) []byte {
	m := field.FindStringSubmatch(string(call))
	head, describe, describer, body, write, goType, marshal, nonNull := m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8]
	lies := lying.FindStringSubmatch(body)
	switch {
	case lies == nil || strings.Contains(lies[1], "ctx"):
		return []byte("return run.Resolved(\n" + head + describe + "\t\tfunc(ctx context.Context) (" + goType + ", error) {\n" + body + "\n\t\t},\n" + write + nonNull + "\t)")
	case k.scalar[describer] && k.sure[marshal]:
		return []byte("return run.Leaf(\n" + head + "\t\tfunc() " + goType + " { return " + lies[1] + " },\n" + write + "\t)")
	default:
		return []byte("return run.Value(\n" + head + "\t\tfunc() " + goType + " { return " + lies[1] + " },\n" + write + nonNull + "\t)")
	}
}

// imported adds the imports that the new text needs.
func imported(text []byte) []byte {
	for path, used := range map[string]*regexp.Regexp{"graph/run": uses, "core/access": roles} {
		line := []byte("\t\"github.com/noren-commerce/noren/" + path + "\"\n")
		if used.Match(text) && !bytes.Contains(text, line) {
			text = bytes.Replace(text, []byte("import (\n"), append([]byte("import (\n"), line...), 1)
		}
	}
	return text
}
