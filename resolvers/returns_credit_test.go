package resolvers_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// credited are the totals of the order's credit notes, oldest first, and of its invoice.
func (d delivered) credited(t testing.TB) (notes []string, invoice string) {
	t.Helper()
	var got struct {
		Order struct {
			Documents []struct {
				Kind     string
				Total    struct{ Amount string }
				Corrects *string
			}
		}
	}
	d.Do(t, `query($o: ID!) { order(id: $o) { documents { kind total { amount } corrects } } }`, apptest.Variables{"o": d.order}, "X-Cart-Token", d.token).Into(t, &got)
	for _, doc := range got.Order.Documents {
		switch doc.Kind {
		case "CREDIT_NOTE":
			require.NotNil(t, doc.Corrects)
			notes = append(notes, doc.Total.Amount)
		case "INVOICE":
			invoice = doc.Total.Amount
		}
	}
	return notes, invoice
}

// askReceipt asks for a receipt, and answers its total or what stands against it.
func (d delivered) askReceipt(t testing.TB) string {
	t.Helper()
	var got struct {
		IssueReceipt struct {
			Document   *struct{ Total struct{ Amount string } }
			UserErrors []userError
		}
	}
	d.Do(t, `mutation($input: IssueReceiptInput!) { issueReceipt(input: $input) { document { total { amount } } userErrors { code field message } } }`,
		in(receiptInput(id.New().String(), d.order)), "X-Cart-Token", d.token).Into(t, &got)
	if len(got.IssueReceipt.UserErrors) > 0 {
		return got.IssueReceipt.UserErrors[0].Code
	}
	return got.IssueReceipt.Document.Total.Amount
}

// What goes back for returned goods is credited on the order's invoice to the yen, once;
// receipts are for what the shop keeps.
func TestWhatComesBackIsCredited(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	issueAs(t, a)
	d := newDelivered(t, a).arrive(t)
	notes, invoice := d.credited(t)
	require.Empty(t, notes)
	require.Equal(t, "5507", invoice)
	require.Equal(t, "5507", d.askReceipt(t))

	back := d.approved(t, "REFUND", piecesOf(d.leashes, 3, "DEFECTIVE", nil), piecesOf(d.beds, 1, "DEFECTIVE", nil))
	receipt := d.came(back, "restock", 1, 0)
	require.Empty(t, d.staff.back(t, "receiveReturn", receipt).UserErrors)
	require.Empty(t, d.staff.back(t, "receiveReturn", receipt).UserErrors)
	notes, _ = d.credited(t)
	require.Equal(t, []string{"1001"}, notes)
	require.Equal(t, "4506", d.askReceipt(t))

	last := d.came(back, "scrap", 2, 1)
	require.Empty(t, d.staff.back(t, "receiveReturn", last).UserErrors)
	notes, _ = d.credited(t)
	require.Len(t, notes, 2)
	sum := 0
	for _, n := range notes {
		yen, err := strconv.Atoi(n)
		require.NoError(t, err)
		sum += yen
	}
	require.Equal(t, int(d.refunded(t)), sum, "the notes say what went back")
	require.Equal(t, 5507, sum)
	require.Equal(t, "RECEIPT_UNPAID", d.askReceipt(t), "nothing is left")
}
