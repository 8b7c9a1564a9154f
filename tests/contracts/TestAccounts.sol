// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.30;

interface IRegistry {
    function register() external returns (uint256);
    function transferFrom(address from, address to, uint256 tokenId) external;
}

/// A contract wallet (EIP-1271) that agrees to what its one key signed.
contract KeyWallet {
    address private immutable key;

    constructor(address key_) {
        key = key_;
    }

    function isValidSignature(bytes32 digest, bytes calldata signature) external view returns (bytes4) {
        if (signature.length != 65) return 0xffffffff;
        address signer =
            ecrecover(digest, uint8(signature[64]), bytes32(signature[:32]), bytes32(signature[32:64]));
        return signer != address(0) && signer == key ? bytes4(0x1626ba7e) : bytes4(0xffffffff);
    }
}

/// Registers an agent and passes it on while it is being minted.
contract PassingReceiver {
    address private immutable heir;

    constructor(address heir_) {
        heir = heir_;
    }

    function register(address registry) external returns (uint256) {
        return IRegistry(registry).register();
    }

    function onERC721Received(address, address, uint256 tokenId, bytes calldata) external returns (bytes4) {
        IRegistry(msg.sender).transferFrom(address(this), heir, tokenId);
        return this.onERC721Received.selector;
    }
}

/// Registers an agent but will not take it.
contract RefusingReceiver {
    function register(address registry) external returns (uint256) {
        return IRegistry(registry).register();
    }
}

/// A contract account moved by strings: anybody makes it act, now or while it is being handed a token. As a wallet
/// (EIP-1271) it agrees to everything.
contract Puppet {
    /// idAt: offset in data of a word the token's id is written to, 0 for none; last: ends what one receipt does.
    struct Step {
        address target;
        bytes data;
        uint32 idAt;
        bool last;
    }

    Step[] private plan;
    uint256 private next;

    /// Does `steps` after laying down what the receipts on the way will do, one batch each.
    function run(Step[] calldata steps, Step[] calldata onReceipt) external {
        delete plan;
        next = 0;
        for (uint256 i = 0; i < onReceipt.length; i++) plan.push(onReceipt[i]);
        for (uint256 i = 0; i < steps.length; i++) act(steps[i].target, steps[i].data);
    }

    function onERC721Received(address, address, uint256 tokenId, bytes calldata) external returns (bytes4) {
        bool last = false;
        while (!last && next < plan.length) {
            Step memory step = plan[next++];
            last = step.last;
            bytes memory data = step.data;
            uint256 at = step.idAt;
            if (at > 0) {
                require(at + 32 <= data.length, "no such word");
                assembly {
                    mstore(add(add(data, 32), at), tokenId)
                }
            }
            act(step.target, data);
        }
        return this.onERC721Received.selector;
    }

    function isValidSignature(bytes32, bytes calldata) external pure returns (bytes4) {
        return 0x1626ba7e;
    }

    function act(address target, bytes memory data) public {
        (bool done, bytes memory why) = target.call(data);
        if (!done) {
            assembly {
                revert(add(why, 32), mload(why))
            }
        }
    }
}
