package main

import (
	"os"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/stretchr/testify/require"
)

const memberMapping = `
kind: members
source: old
key: no
fields: {name: name, kana: kana, birthday: born, email: mail, phone: tel}
`

const pastMembers = "no,name,kana,born,mail,tel\n1,山田 花子,ﾔﾏﾀﾞ ﾊﾅｺ,昭和50年1月2日,hanako@example.jp,090-1234-5678\n2,佐藤 太郎,サトウ,平成32年1月1日,taro@example.jp,\n"

func TestMembersAreImportedByTheCommand(t *testing.T) {
	t.Parallel()
	s, where := shop(t)
	count := func() (n int) {
		require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM migration_sources`).Scan(&n))
		return n
	}
	file, mapping := written(t, "members.csv", pastMembers), written(t, "members.yaml", memberMapping)
	command := func(change func(*importMembers)) error {
		c := importMembers{pastFlags{personalFlags: where, File: file, Mapping: mapping}}
		change(&c)
		return c.Run(t.Context())
	}
	require.NoError(t, command(func(c *importMembers) { c.DryRun = true }))
	require.Zero(t, count(), "a dry run takes nothing")
	report, err := os.ReadFile(file + ".report.csv")
	require.NoError(t, err)
	require.Contains(t, string(report), "平成32年", "but says what it would refuse")

	elsewhere := written(t, "report.csv", "")
	require.NoError(t, command(func(c *importMembers) { c.Report = elsewhere }))
	require.Equal(t, 1, count())
	report, err = os.ReadFile(elsewhere)
	require.NoError(t, err)
	require.Contains(t, string(report), "平成32年")

	require.Error(t, command(func(c *importMembers) { c.Mapping = written(t, "bad.yaml", "kind: members\nfields: {name: [") }), "a mapping that is no YAML")
	require.Error(t, command(func(c *importMembers) {
		c.Mapping = written(t, "points.yaml", "kind: points\nsource: old\nkey: no\nfields: {points: tel}\n")
	}), "a mapping of another kind")
	require.ErrorContains(t, command(func(c *importMembers) { c.Channel = "nowhere" }), "--channel")
	require.Error(t, command(func(c *importMembers) { c.Secret = "" }), "personal data needs its key")
	require.Equal(t, 1, count(), "what failed took nothing")
}

func TestTheImportCommandAsksForItsMapping(t *testing.T) {
	t.Parallel()
	file, mapping := written(t, "members.csv", pastMembers), written(t, "members.yaml", memberMapping)
	var c struct {
		Import importCommand `cmd:""`
	}
	parser, err := kong.New(&c)
	require.NoError(t, err)
	_, err = parser.Parse([]string{"import", "members", file})
	require.ErrorContains(t, err, "--mapping")
	_, err = parser.Parse([]string{"import", "members", file, "--mapping", mapping + ".missing"})
	require.Error(t, err)
	_, err = parser.Parse([]string{"import", "members", "--mapping", mapping, "--database-url", "postgres://nowhere", "--dry-run", "--resume", file})
	require.NoError(t, err)
	require.True(t, c.Import.Members.DryRun && c.Import.Members.Resume)
	require.Equal(t, mapping, c.Import.Members.Mapping)
}
