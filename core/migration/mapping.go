package migration

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/member"
)

// Kind is what a file holds.
type Kind string

// The kinds of file.
const (
	Members   Kind = "MEMBERS"
	Points    Kind = "POINTS"    // opening balances
	Purchases Kind = "PURCHASES" // receipts of tills, a row for each line
)

// Mapping says where a file's columns go (移行定義). docs/migration.md describes it.
type Mapping struct {
	Kind      string              `yaml:"kind"`      // members, points or purchases
	Encoding  Encoding            `yaml:"encoding"`  // told by the file if left out
	Delimiter string              `yaml:"delimiter"` // comma or tab; told by the file if left out
	Source    string              `yaml:"source"`    // the system that the data comes from: keys are its own
	Key       Columns             `yaml:"key"`       // what names a row there for good
	Fields    map[string]*Field   `yaml:"fields"`
	Consents  map[string]*Field   `yaml:"consents"`  // by medium
	AgreedOn  *Field              `yaml:"agreed_on"` // the day of all consents that have none of their own
	Wording   string              `yaml:"wording"`   // what members agreed to
	Pets      []map[string]*Field `yaml:"pets"`
	Programme string              `yaml:"programme"` // of points: its code
}

// Columns are one column, or several.
type Columns []string

// UnmarshalYAML reads a single name or a list.
func (c *Columns) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*c = Columns{node.Value}
		return nil
	}
	var all []string
	err := node.Decode(&all)
	*c = all
	return err
}

// Field says how one target is made.
type Field struct {
	From    Columns           `yaml:"from"`
	Join    string            `yaml:"join"`    // between several columns
	First   bool              `yaml:"first"`   // of several columns, the first that says something
	Values  map[string]string `yaml:"values"`  // what stands there: what it means
	Default string            `yaml:"default"` // where nothing stands there
	Invalid string            `yaml:"invalid"` // reject (the row, as it is), or drop (the value)
	Check   string            `yaml:"check"`   // of a card: complete adds the check digit

	AgreedOn *Field `yaml:"agreed_on"` // of a consent: the day on which it was given
}

// UnmarshalYAML reads the name of a column, or the whole.
func (f *Field) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		f.From = Columns{node.Value}
		return nil
	}
	type plain Field
	return node.Decode((*plain)(f))
}

// targets are the fields that a kind of file may fill.
var targets = map[Kind][]string{
	Members: {
		"card", "name", "kana", "phone", "email", "birthday", "gender", "postal_code", "address", "prefecture", "city", "line1", "line2", "joined_on", "store", "home_store",
	},
	Points:    {"member", "card", "points", "expires_on"},
	Purchases: {"store", "till", "receipt", "bought_on", "time", "card", "code", "name", "quantity", "amount"},
}

// needed are those without which a file makes no sense.
var needed = map[Kind][]string{
	Points:    {"points"},
	Purchases: {"store", "till", "receipt", "bought_on", "code", "quantity", "amount"},
}

var petTargets = []string{"name", "species", "breed", "birthday"}

// maxMapping bounds a mapping, in bytes; maxPets how many pets a row may have.
const (
	maxMapping = 64 << 10
	maxPets    = 10
)

// wrongMapping is a fault that says what is wrong with a mapping.
func wrongMapping(ja, en string, args ...any) error {
	why := because(ja, en, args...)
	return fault.Invalid("MAPPING_INVALID", "移行定義が正しくありません: "+strings.ReplaceAll(why.JA, "%", "%%"), "The mapping is not right: "+strings.ReplaceAll(why.EN, "%", "%%")).At("mapping")
}

// ReadMapping reads and checks a mapping of the kind; a fault says all that is wrong.
func ReadMapping(text []byte, kind Kind) (*Mapping, error) {
	if _, ok := targets[kind]; !ok {
		return nil, ErrKind.At("kind")
	}
	if len(text) > maxMapping {
		return nil, wrongMapping("%dKBまでです", "it has more than %d KB", maxMapping>>10)
	}
	m := &Mapping{}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(m); err != nil && !errors.Is(err, io.EOF) {
		return nil, wrongMapping("%s", "%s", err.Error())
	}
	return m, m.check(kind)
}

func (m *Mapping) check(kind Kind) error {
	var all []error
	no := func(ja, en string, args ...any) { all = append(all, wrongMapping(ja, en, args...)) }
	if !strings.EqualFold(m.Kind, string(kind)) {
		no("kind は %s です", "kind has to be %s", strings.ToLower(string(kind)))
	}
	if !slices.Contains([]Encoding{AnyEncoding, UTF8, CP932, UTF16}, m.Encoding) {
		no("encoding は utf-8、cp932、utf-16 のいずれかです", "encoding is utf-8, cp932 or utf-16")
	}
	if !slices.Contains([]string{"", "comma", "tab"}, m.Delimiter) {
		no("delimiter は comma か tab です", "delimiter is comma or tab")
	}
	if kind != Purchases && (len(m.Key) == 0 || m.Source == "") {
		no("source と key が必要です", "source and key are needed")
	}
	if kind == Points && m.Programme == "" {
		no("programme が必要です", "programme is needed")
	}
	for _, name := range needed[kind] {
		if m.Fields[name] == nil {
			no("fields に %s が必要です", "fields lacks %s", name)
		}
	}
	if kind == Points && m.Fields["member"] == nil && m.Fields["card"] == nil {
		no("fields に member か card が必要です", "fields lacks member or card")
	}
	all = append(all, checkFields("fields", m.Fields, targets[kind]))
	all = append(all, m.checkMembers(kind))
	return errors.Join(all...)
}

func (m *Mapping) checkMembers(kind Kind) error {
	if kind != Members {
		if len(m.Consents)+len(m.Pets) > 0 || m.AgreedOn != nil {
			return wrongMapping("consents、agreed_on、pets は members だけです", "consents, agreed_on and pets are for members alone")
		}
		return nil
	}
	var all []error
	media := []string{string(member.Mail), string(member.DM), string(member.SMS), string(member.Push)}
	all = append(all, checkFields("consents", m.Consents, media))
	if m.AgreedOn != nil {
		all = append(all, checkDay("mapping", m.AgreedOn))
	}
	for _, medium := range slices.Sorted(maps.Keys(m.Consents)) {
		if f := m.Consents[medium]; f != nil && f.AgreedOn != nil {
			all = append(all, checkDay("consents."+medium, f.AgreedOn))
		}
	}
	if len(m.Pets) > maxPets {
		all = append(all, wrongMapping("pets は%d頭までです", "pets has more than %d", maxPets))
	}
	for _, p := range m.Pets {
		all = append(all, checkFields("pets", p, petTargets))
		if p["name"] == nil {
			all = append(all, wrongMapping("pets に name が必要です", "pets lacks name"))
		}
	}
	return errors.Join(all...)
}

func checkFields(under string, fields map[string]*Field, known []string) error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		f := fields[name]
		switch {
		case !slices.Contains(known, name):
			all = append(all, wrongMapping("%s に %s という項目はありません（%s）", "%s has no %s; it has %s", under, name, strings.Join(known, "、")))
		case f != nil && f.AgreedOn != nil && under != "consents":
			all = append(all, wrongMapping("agreed_on は consents だけです（%s.%s）", "agreed_on is for consents alone (%s.%s)", under, name))
		case f == nil || len(f.From) == 0 && f.Default == "":
			all = append(all, wrongMapping("%s.%s に from がありません", "%s.%s lacks from", under, name))
		case !slices.Contains([]string{"", "reject", "drop"}, f.Invalid):
			all = append(all, wrongMapping("%s.%s の invalid は reject か drop です", "%s.%s: invalid is reject or drop", under, name))
		case !slices.Contains([]string{"", "complete"}, f.Check):
			all = append(all, wrongMapping("%s.%s の check は complete です", "%s.%s: check is complete", under, name))
		}
	}
	return errors.Join(all...)
}

// checkDay checks the field that is the day of consents.
func checkDay(under string, f *Field) error {
	return checkFields(under, map[string]*Field{"agreed_on": f}, []string{"agreed_on"})
}

// columns are all that the mapping names.
func (m *Mapping) columns() []string {
	all := slices.Clone(m.Key)
	for _, f := range append(slices.Collect(maps.Values(m.Consents)), &Field{AgreedOn: m.AgreedOn}) {
		if f.AgreedOn != nil {
			all = append(all, f.AgreedOn.From...)
		}
	}
	for _, fields := range append([]map[string]*Field{m.Fields, m.Consents}, m.Pets...) {
		for _, f := range fields {
			all = append(all, f.From...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// delimiter is what stands between cells; 0 if the file tells.
func (m *Mapping) delimiter() rune {
	return map[string]rune{"comma": ',', "tab": '\t'}[m.Delimiter]
}
