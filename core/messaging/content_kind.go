package messaging

// Kind is KindDrawWon.
func (DrawWon) Kind() Kind { return KindDrawWon }

// Kind is KindDrawCancelled.
func (DrawCancelled) Kind() Kind { return KindDrawCancelled }

// Kind is KindPrizeNotice.
func (PrizeNotice) Kind() Kind { return KindPrizeNotice }

// Kind is KindParcelNotice.
func (ParcelNotice) Kind() Kind { return KindParcelNotice }

// Kind is KindPickUpReady.
func (PickUpReady) Kind() Kind { return KindPickUpReady }

// Kind is KindReturnNotice.
func (ReturnNotice) Kind() Kind { return KindReturnNotice }

// Kind is KindEmailVerification.
func (EmailVerification) Kind() Kind { return KindEmailVerification }

// Kind is KindPasswordReset.
func (PasswordReset) Kind() Kind { return KindPasswordReset }

// Kind is KindEmailChange.
func (EmailChange) Kind() Kind { return KindEmailChange }

// Kind is KindEmailChangeTaken.
func (EmailChangeTaken) Kind() Kind { return KindEmailChangeTaken }

// Kind is KindEmailChangeAsked.
func (EmailChangeAsked) Kind() Kind { return KindEmailChangeAsked }

// Kind is KindEmailChanged.
func (EmailChanged) Kind() Kind { return KindEmailChanged }

// Kind is KindOrderConfirmation.
func (OrderConfirmation) Kind() Kind { return KindOrderConfirmation }

// Kind is KindPaymentReceived.
func (PaymentReceived) Kind() Kind { return KindPaymentReceived }

// Kind is KindOrderShipped.
func (OrderShipped) Kind() Kind { return KindOrderShipped }

// Kind is KindOrderChanged.
func (OrderChanged) Kind() Kind { return KindOrderChanged }

// Kind is KindOrderRescheduled.
func (OrderRescheduled) Kind() Kind { return KindOrderRescheduled }

// Kind is KindOrderCancelled.
func (OrderCancelled) Kind() Kind { return KindOrderCancelled }

// Kind is KindBankTransfer.
func (BankTransfer) Kind() Kind { return KindBankTransfer }

// Kind is KindStoreSlip.
func (StoreSlip) Kind() Kind { return KindStoreSlip }

// Kind is KindBackInStock.
func (BackInStock) Kind() Kind { return KindBackInStock }

// Kind is KindWishNews.
func (WishNews) Kind() Kind { return KindWishNews }

// Kind is KindCampaignNotice.
func (CampaignNotice) Kind() Kind { return KindCampaignNotice }

// Kind is KindRefundedAsPoints.
func (RefundedAsPoints) Kind() Kind { return KindRefundedAsPoints }

// Kind is KindPointsExpiring.
func (PointsExpiring) Kind() Kind { return KindPointsExpiring }

// Kind is KindCampaignOpened.
func (CampaignOpened) Kind() Kind { return KindCampaignOpened }

// Kind is KindCouponGranted.
func (CouponGranted) Kind() Kind { return KindCouponGranted }

// Kind is KindQuotationRequested.
func (QuotationRequested) Kind() Kind { return KindQuotationRequested }

// Kind is KindQuotationAnswered.
func (QuotationAnswered) Kind() Kind { return KindQuotationAnswered }

// Kind is KindAccountOverdue.
func (AccountOverdue) Kind() Kind { return KindAccountOverdue }

// Kind is KindOrdersLate.
func (OrdersLate) Kind() Kind { return KindOrdersLate }

// Kind is KindStockLow.
func (StockLow) Kind() Kind { return KindStockLow }

// Kind is KindLotsExpiring.
func (LotsExpiring) Kind() Kind { return KindLotsExpiring }

// Kind is KindQuotationSaid.
func (QuotationSaid) Kind() Kind { return KindQuotationSaid }

// Kind is KindApprovalAsked.
func (ApprovalAsked) Kind() Kind { return KindApprovalAsked }

// Kind is KindCardDeclined.
func (CardDeclined) Kind() Kind { return KindCardDeclined }

// Kind is KindPaymentLapsed.
func (PaymentLapsed) Kind() Kind { return KindPaymentLapsed }

// blanks make a content of each kind to read into.
var blanks = map[Kind]func() Content{
	KindEmailVerification:  func() Content { return &EmailVerification{} },
	KindPasswordReset:      func() Content { return &PasswordReset{} },
	KindEmailChange:        func() Content { return &EmailChange{} },
	KindEmailChangeTaken:   func() Content { return &EmailChangeTaken{} },
	KindEmailChangeAsked:   func() Content { return &EmailChangeAsked{} },
	KindEmailChanged:       func() Content { return &EmailChanged{} },
	KindOrderConfirmation:  func() Content { return &OrderConfirmation{} },
	KindPaymentReceived:    func() Content { return &PaymentReceived{} },
	KindOrderShipped:       func() Content { return &OrderShipped{} },
	KindOrderChanged:       func() Content { return &OrderChanged{} },
	KindOrderRescheduled:   func() Content { return &OrderRescheduled{} },
	KindOrderCancelled:     func() Content { return &OrderCancelled{} },
	KindCardDeclined:       func() Content { return &CardDeclined{} },
	KindPaymentLapsed:      func() Content { return &PaymentLapsed{} },
	KindBankTransfer:       func() Content { return &BankTransfer{} },
	KindBackInStock:        func() Content { return &BackInStock{} },
	KindWishNews:           func() Content { return &WishNews{} },
	KindCampaignNotice:     func() Content { return &CampaignNotice{} },
	KindDrawWon:            func() Content { return &DrawWon{} },
	KindDrawCancelled:      func() Content { return &DrawCancelled{} },
	KindPrizeNotice:        func() Content { return &PrizeNotice{} },
	KindPointsExpiring:     func() Content { return &PointsExpiring{} },
	KindRefundedAsPoints:   func() Content { return &RefundedAsPoints{} },
	KindCampaignOpened:     func() Content { return &CampaignOpened{} },
	KindCouponGranted:      func() Content { return &CouponGranted{} },
	KindQuotationRequested: func() Content { return &QuotationRequested{} },
	KindQuotationAnswered:  func() Content { return &QuotationAnswered{} },
	KindOrdersLate:         func() Content { return &OrdersLate{} },
	KindStockLow:           func() Content { return &StockLow{} },
	KindLotsExpiring:       func() Content { return &LotsExpiring{} },
	KindQuotationSaid:      func() Content { return &QuotationSaid{} },
	KindAccountOverdue:     func() Content { return &AccountOverdue{} },
	KindApprovalAsked:      func() Content { return &ApprovalAsked{} },
	KindReturnNotice:       func() Content { return &ReturnNotice{} },
	KindMailing:            func() Content { return &Mailing{} },
	KindStoreSlip:          func() Content { return &StoreSlip{} },
	KindParcelNotice:       func() Content { return &ParcelNotice{} },
	KindPickUpReady:        func() Content { return &PickUpReady{} },
	KindDraftOrder:         func() Content { return &DraftOrder{} },
	KindRecurringOrder:     func() Content { return &RecurringOrder{} },
}

// blank is an empty content of the kind, to decode into; nil for an unknown kind.
func blank(k Kind) Content {
	if fresh := blanks[k]; fresh != nil {
		return fresh()
	}
	return nil
}
