"""What customers write around their data. `{}` is its place; nothing else in a sentence looks like personal data."""

from __future__ import annotations

ENGLISH: dict[str, tuple[str, ...]] = {
    "email": (
        "My email is {}",
        "please send the invoice to {} today",
        "I signed up with {}, is that right?",
        "contact {} about the refund",
        "new address: {}. Thanks",
    ),
    "phone": (
        "call me on {}",
        "My phone number is {}, after six",
        "you can reach me at {} all day",
        "ring {} please",
        "the courier has the wrong number, it is {}",
    ),
    "mobile": (
        "my mobile is {}",
        "call {} when the parcel is here",
        "text me at {}, thanks",
        "My Chinese number: {}",
        "the phone on the label should be {}",
    ),
    "card": (
        "I paid with {}",
        "my card number is {}, it was declined",
        "charge {} instead",
        "refund it to card {} please",
        "visa {} does not work",
    ),
    "iban": (
        "my IBAN is {}",
        "refund to {} please",
        "the bank account: {}. Name as on the order",
        "send the money to {} today",
        "is {} a valid account?",
    ),
    "resident": (
        "my Chinese ID is {}",
        "ID number {} for customs",
        "customs asks for an ID: {}",
        "the ID card says {}, please check",
    ),
    "national": (
        "my SSN is {}",
        "social security number {} for the form",
        "national insurance number: {}",
        "the tax form wants {} from me",
    ),
    "order": (
        "where is {}",
        "order {} arrived broken",
        "please cancel {} for me",
        "my order number is {}, what now?",
        "the parcel of {} is lost",
    ),
    "secret": (
        "my password is {}",
        "Password: {}",
        "I set the password to {} and it fails",
        "passcode is {}",
        "pwd: {}",
    ),
    "online": (
        "I was blocked, it says {}",
        "this does not open: {}",
        "the page shows {} and nothing else",
        "why do I see {} in the message?",
    ),
}

CHINESE: dict[str, tuple[str, ...]] = {
    "email": (
        "我的邮箱是{}",
        "请把发票发到{}，谢谢",
        "邮箱{}收不到邮件",
        "注册的时候用的是{}，对吗？",
        "联系{}处理退款",
    ),
    "phone": ("请打我电话{}", "座机是{}，下午在", "联系电话：{}", "客服回电请打{}，谢谢", "我的号码{}，别打错了"),
    "mobile": (
        "手机{}",
        "我的电话是{}，请快递员联系",
        "收件人手机号：{}，谢谢",
        "打我手机{}",
        "我换号了，新的是{}，麻烦改一下",
    ),
    "card": ("卡号{}，退款到这张卡", "我用{}付的款", "银行卡是{}", "信用卡{}被拒了", "请退到{}这张卡里"),
    "iban": ("退款到{}", "我的银行账户是{}，谢谢", "收款账号：{}", "IBAN是{}，对吗？"),
    "resident": ("身份证号{}", "我的身份证是{}，请核对", "清关要身份证：{}", "实名认证用的{}，通不过"),
    "national": ("我的SSN是{}", "社保号码：{}，请核对", "税表上要填{}", "英国的国民保险号是{}"),
    "order": ("订单{}什么时候到", "请取消{}，谢谢", "单号是{}", "我的订单{}还没发货", "查一下{}到哪了"),
    "secret": ("密码是{}", "我的登录密码：{}", "密码为{}，登不上", "口令是{}", "我的密码{}不对吗"),
    "online": ("打不开{}", "页面显示{}，怎么办", "我的地址被封了：{}", "这个链接{}过期了吗"),
}

GLUED: dict[str, tuple[str, ...]] = {
    "email": ("email:{}!", "mailto:{}thanks", "(mail:{})"),
    "phone": ("tel{}thanks", "phone:{}please", "call{}now"),
    "mobile": ("call{}now", "tel{}", "mobile{}please", "mynumberis{}"),
    "card": ("card{}please", "visa{}declined", "cc#{}ok"),
    "iban": ("iban{}please", "IBAN:{}thanks", "account{}"),
    "resident": ("ID{}please", "idcard{}", "no{}ok"),
    "national": ("ssn{}please", "NINO:{}thanks"),
    "order": ("order{}please", "{}was lost", "orderno{}arrived broken", "myorderis{}"),
    "secret": ("password:{}", "pwd={}", "password={}"),
    "online": ("ip:{}?", "link={}"),
}
"""For English only: Chinese has no spaces, so that there every value is glued."""
